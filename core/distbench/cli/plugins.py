"""`distbench plugins`."""

from __future__ import annotations

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("plugins")(plugins)


def plugins(plugin: o.Plugins = None, json: o.Json = False) -> None:
    """List the plugins that were found, the broken ones with the reason."""
    from distbench.discovery import plural
    from distbench.plugins import registry

    found = registry(tuple(plugin or ())).plugins
    if json:
        o.print_json(
            [
                {
                    "plugin": p.origin.plugin,
                    "distribution": p.origin.distribution,
                    "version": p.origin.version,
                    "offers": p.offers,
                    "error": p.error,
                }
                for p in found
            ]
        )
        return
    for p in found:
        typer.echo(f"{p.origin}" + (f"  BROKEN: {p.error}" if p.error else ""))
        for kind, names in p.offers.items():
            typer.echo(f"  {plural(kind)}: {', '.join(sorted(names))}")
