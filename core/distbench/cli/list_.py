"""`distbench list`."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.plugins.registry import Registry

EPILOG = (
    "Examples: distbench list tasks --json; distbench list students --measure --sort "
    "latency; distbench list students 'timm:mobilenetv*' --measure --image-size 160"
)


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="A kind, e.g. metrics or tasks; all kinds if left out."),
    ] = None,
    pattern: Annotated[str, typer.Argument(help="Only names that match, e.g. 'mini-*'.")] = "*",
    sort: Annotated[
        Literal["name", "parameters", "macs", "latency", "memory"] | None,
        typer.Option(help="Of students: suggested architectures, in this order."),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Of students: measure the suggested ones here.")
    ] = False,
    image_size: Annotated[
        int | None, typer.Option(min=8, help="With --measure: side of the images. \\[default: 224]")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="With --measure: CPU threads. \\[default: 1]")
    ] = None,
    device: o.Device = None,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """List what the plugins offer; of students also architectures worth a try, and their costs."""
    from distbench.errors import UnknownNameError, UsageError
    from distbench.interfaces.kinds import KINDS
    from distbench.plugins.discovery import plural
    from distbench.plugins.registry import registry

    known = {plural(k): k for k in KINDS}
    if kind is not None and kind not in known and kind not in KINDS:
        kinds = f"Kinds are {', '.join(known)}; `distbench info sources --zoo NAME` lists a zoo's"
        raise UnknownNameError("kind", kind, known, f"{kinds} sources.")
    wanted = [known.get(kind, kind)] if kind else list(KINDS)
    names = registry(tuple(plugin or ()))
    if (measure or sort) and wanted != ["student"]:
        raise UsageError("--measure and --sort are for `distbench list students`")
    if not measure and (image_size or threads or device or sort in ("latency", "memory")):
        raise UsageError("--image-size, --threads, --device and such an order need --measure")
    if measure or sort:
        from distbench.cli import students

        students.show(
            names, pattern, sort, measure, (image_size or 224, device or "auto", threads or 1), json
        )
        return
    rows = [row for one in wanted for row in _rows(names, one, pattern)]
    if json:
        o.print_json(rows)
        return
    if rows:
        shown = [[r["kind"], r["name"], r["summary"]][0 if kind is None else 1 :] for r in rows]
        echo(table(shown, ["kind", "name", ""][0 if kind is None else 1 :]))
    if wanted == ["student"]:
        from distbench.cli import students

        students.show_suggested(names, pattern, bool(rows))
    elif not rows:
        echo("nothing matches")


def _rows(names: Registry, kind: str, pattern: str) -> list[dict[str, Any]]:
    """The components of one kind."""
    from distbench.errors import PluginError
    from distbench.interfaces.calls import naming
    from distbench.plugins.summaries import summary_of

    rows = []
    for name in names.names(kind):
        if not fnmatch(name, pattern):
            continue
        try:
            origin = names.offer(kind, name).origin.plugin
            with naming(origin, f"summary of {kind} {name!r}"):
                summary = summary_of(kind, name, names)
        except PluginError as error:
            summary, origin = f"broken: {error}", error.plugin
        rows.append({"kind": kind, "name": name, "plugin": origin, "summary": summary})
    return rows
