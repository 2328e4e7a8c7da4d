"""`distbench info`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

EPILOG = (
    "Examples: distbench info strategy weighted; distbench info sources --zoo mini; "
    "distbench info source birds-res --zoo mini"
)


def info(
    kind: Annotated[str, typer.Argument(help="A kind, e.g. strategy, or source.")],
    name: Annotated[
        str | None, typer.Argument(help="A name of that kind; all sources if left out.")
    ] = None,
    zoo: Annotated[
        str | None, typer.Option(help="Of a source. \\[default: that of suite mini]")
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="List the layers of a student's backbone.")
    ] = False,
    image_size: Annotated[
        int, typer.Option(min=1, help="Side of the images that these layers are listed for.")
    ] = 224,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Show what a component is, where it comes from, and its parameters; or a zoo's sources."""
    from distbench.errors import UnknownNameError, UsageError
    from distbench.interfaces.kinds import KINDS
    from distbench.interfaces.parameters import Range
    from distbench.plugins.describe import describe
    from distbench.plugins.discovery import plural
    from distbench.plugins.registry import registry

    files = tuple(plugin or ())
    if kind in ("source", "sources"):
        if name is None:
            _sources(zoo, files, json)
        else:
            _source(name, zoo, files, json)
        return
    singular = {plural(k): k for k in KINDS}.get(kind, kind)
    if singular not in KINDS:
        kinds = (*KINDS, "source")
        raise UnknownNameError("kind", kind, kinds, f"Kinds are {', '.join(kinds)}.")
    if name is None:
        raise UsageError(
            f"which {singular}? `distbench list {plural(singular)}` shows what there is"
        )
    if layers and singular != "student":
        raise UsageError(f"--layers is for students, and for sources without it; {kind} has none")
    facts = describe(singular, name, registry(files))
    if layers:
        from distbench.workflows.layers import student_layers

        _layers(student_layers(name, image_size, files), facts, json)
        return
    if json:
        o.print_json(facts)
        return
    echo(f"{singular} {name} (version {facts['version']}, from {facts['plugin']})\n")
    echo(facts["description"])
    if facts["needs"]:
        echo(f"\nNeeds: {', '.join(facts['needs'])}.")
    if facts["parameters"]:
        rows = [
            [
                p["name"] + (" (after the colon)" if p["primary"] else ""),
                p["type"],
                "required" if p["required"] else p["default"],
                str(Range.from_table(p["tuned"])) if p["tuned"] else "",
                p["description"],
            ]
            for p in facts["parameters"]
        ]
        headers = ["parameter", "type", "default", "tuned within", ""]
        echo("\n" + table(rows, headers, disable_numparse=True))


def _sources(zoo: str | None, plugins: tuple[Path, ...], json: bool) -> None:
    from distbench.interfaces.zoo_sources import sources_of
    from distbench.planning.config import DEFAULT_SUITE
    from distbench.plugins.registry import registry

    chosen_zoo = registry(plugins).make("zoo", zoo or DEFAULT_SUITE)
    infos = [source.info for source in sources_of(chosen_zoo).values()]
    if json:
        o.print_json([info.model_dump() for info in infos])
        return
    rows = [
        [
            info.name,
            info.architecture,
            info.num_classes or "",
            info.feature_dim,
            info.input_size,
            f"{info.parameters / 1e6:.2f} M" if info.parameters else "",
            info.domain,
            ", ".join(info.trained_on),
            info.licence,
        ]
        for info in infos
    ]
    facts = ("architecture", "classes", "features", "side", "parameters", "domain")
    echo(table(rows, ["source", *facts, "trained on", "licence"], disable_numparse=True))


def _source(name: str, zoo: str | None, plugins: tuple[Path, ...], json: bool) -> None:
    from distbench.workflows.layers import describe_source

    source = describe_source(name, zoo, plugins)
    facts = source.info.model_dump()
    if not json:
        rows = [[key, value] for key, value in facts.items() if value not in (None, (), {})]
        echo(table(rows, ["fact", ""], disable_numparse=True) + "\n")
        if source.reason:
            echo(source.reason)
            return
    _layers(source.layers, facts, json)


def _layers(
    layers: Mapping[str, tuple[str, tuple[int, ...]]], facts: Mapping[str, Any], json: bool
) -> None:
    if json:
        listed = [
            {"name": name, "class": kind, "shape": shape} for name, (kind, shape) in layers.items()
        ]
        o.print_json({**facts, "layers": listed})
        return
    rows = [[name, kind, " x ".join(map(str, shape))] for name, (kind, shape) in layers.items()]
    echo(table(rows, ["layer", "module", "gives"], disable_numparse=True))
