"""`distbench list`."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Annotated

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("list", epilog="Example: distbench list tasks --json")(list_)


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="A kind, e.g. metrics or tasks; all kinds if left out."),
    ] = None,
    pattern: Annotated[str, typer.Argument(help="Only names that match, e.g. 'mini-*'.")] = "*",
    plugin: o.Plugins = None,
    json: o.Json = False,
) -> None:
    """List what the plugins offer."""
    from distbench.components import KINDS
    from distbench.discovery import plural
    from distbench.errors import PluginError, UnknownNameError
    from distbench.plugins import registry

    known = {plural(k): k for k in KINDS}
    if kind is not None and kind not in known and kind not in KINDS:
        raise UnknownNameError("kind", kind, known, f"Kinds are {', '.join(known)}.")
    wanted = [known.get(kind, kind)] if kind else list(KINDS)
    names = registry(tuple(plugin or ()))
    rows = []
    for one in wanted:
        for name in names.names(one):
            if not fnmatch(name, pattern):
                continue
            try:
                summary = names.load(one, name).summary()
                origin = names.offer(one, name).origin.plugin
            except PluginError as error:
                summary, origin = f"broken: {error}", error.plugin
            rows.append({"kind": one, "name": name, "plugin": origin, "summary": summary})
    if json:
        o.print_json(rows)
        return
    from tabulate import tabulate

    shown = [[r["kind"], r["name"], r["summary"]][0 if kind is None else 1 :] for r in rows]
    headers = ["kind", "name", ""][0 if kind is None else 1 :]
    typer.echo(tabulate(shown, headers, "simple") if rows else "nothing matches")
