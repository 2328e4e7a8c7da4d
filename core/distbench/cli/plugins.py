"""`distbench plugins`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

EPILOG = "Example: distbench plugins --known"


def plugins(
    known: Annotated[
        bool, typer.Option("--known", help="List those of the index, installed or not.")
    ] = False,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """List the plugins that were found, the broken ones with the reason."""
    from distbench.plugins.discovery import plural
    from distbench.plugins.registry import registry

    discovered = registry(tuple(plugin or ())).plugins
    if known:
        _show_known({p.origin.distribution: p.origin.version for p in discovered}, json)
        return
    if json:
        o.print_json(
            [
                {
                    **asdict(p.origin),
                    "offers": p.offers,
                    "error": p.error,
                    "clashes": p.clashes,
                }
                for p in discovered
            ]
        )
        return
    for p in discovered:
        echo(f"{p.origin}" + (f"  BROKEN: {p.error}" if p.error else ""))
        for clash in p.clashes:
            echo(f"  {clash}")
        for kind, names in p.offers.items():
            echo(f"  {plural(kind)}: {', '.join(sorted(names))}")


def _show_known(installed: dict[str | None, str | None], json: bool) -> None:
    """The index of plugins, and which of them are installed in which version."""
    from distbench.plugins.index import known_plugins

    listed = known_plugins()
    if json:
        o.print_json(
            [{**p.model_dump(), "installed": installed.get(p.distribution)} for p in listed]
        )
        return
    rows = [
        [
            p.name,
            p.distribution,
            ", ".join(p.kinds) if len(p.kinds) < 4 else f"{len(p.kinds)} kinds",
            "example" if p.example else installed.get(p.distribution) or "no",
            p.licence,
            f"{p.summary} {p.homepage or ''}".strip(),
        ]
        for p in listed
    ]
    headers = ["plugin", "distribution", "kinds", "installed", "licence", ""]
    echo(table(rows, headers, disable_numparse=True))
