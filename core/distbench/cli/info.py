"""`distbench info`."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from distbench.cli import options as o
from distbench.component import Component


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("info", epilog="Example: distbench info strategy weighted")(info)


def info(
    kind: Annotated[str, typer.Argument(help="A kind, e.g. strategy.")],
    name: Annotated[str, typer.Argument(help="A name of that kind.")],
    plugin: o.Plugins = None,
    json: o.Json = False,
) -> None:
    """Show what a component is, where it comes from, and its parameters."""
    from distbench.components import KINDS
    from distbench.discovery import plural
    from distbench.errors import UnknownNameError
    from distbench.plugins import registry
    from distbench.search import Range

    singular = {plural(k): k for k in KINDS}.get(kind, kind)
    if singular not in KINDS:
        raise UnknownNameError("kind", kind, KINDS, f"Kinds are {', '.join(KINDS)}.")
    names = registry(tuple(plugin or ()))
    cls = names.load(singular, name)
    chief = cls.primary_field()
    facts: dict[str, Any] = {
        "kind": singular,
        "name": name,
        "plugin": str(names.offer(singular, name).origin),
        "version": cls.version,
        "role": cls.role,
        "needs": sorted(getattr(cls, "needs", ())),
        "description": inspect.cleandoc(cls.__doc__ or ""),
        "parameters": [
            {
                "name": key,
                "type": _type(field.annotation),
                "default": None
                if field.is_required()
                else _plain(field.get_default(call_default_factory=True)),
                "required": field.is_required(),
                "primary": key == chief,
                "tuned": found.table() if (found := Range.of(field)) else None,
                "description": field.description or "",
            }
            for key, field in cls.parameters().items()
        ],
    }
    if json:
        o.print_json(facts)
        return
    typer.echo(f"{singular} {name} (version {cls.version}, from {facts['plugin']})\n")
    typer.echo(facts["description"])
    if facts["needs"]:
        typer.echo(f"\nNeeds: {', '.join(facts['needs'])}.")
    if facts["parameters"]:
        from tabulate import tabulate

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
        typer.echo("\n" + tabulate(rows, headers, "simple", disable_numparse=True))


def _type(annotation: Any) -> str:
    """An annotation as a person reads it: the choices, or the name of the type."""
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("pathlib.", "")


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.label
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
