"""`distbench info`."""

from __future__ import annotations

from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

EPILOG = "Example: distbench info strategy weighted"


def info(
    kind: Annotated[str, typer.Argument(help="A kind, e.g. strategy.")],
    name: Annotated[str, typer.Argument(help="A name of that kind.")],
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Show what a component is, where it comes from, and its parameters."""
    from distbench.errors import UnknownNameError
    from distbench.interfaces.kinds import KINDS
    from distbench.interfaces.parameters import Range
    from distbench.plugins.describe import describe
    from distbench.plugins.discovery import plural
    from distbench.plugins.registry import registry

    singular = {plural(k): k for k in KINDS}.get(kind, kind)
    if singular not in KINDS:
        raise UnknownNameError("kind", kind, KINDS, f"Kinds are {', '.join(KINDS)}.")
    facts = describe(singular, name, registry(tuple(plugin or ())))
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
