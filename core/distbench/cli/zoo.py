"""`distbench zoo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Zoos of source models.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    pass


@app.command("build", epilog="Example: distbench zoo build mini --output my_zoo")
def build(
    name: Annotated[str, typer.Argument(help="A zoo that can be made, e.g. mini.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder that takes the weights. [default: NAME-zoo]")
    ] = None,
) -> None:
    """Train the source models of a zoo again; what is built has fingerprints of its own."""
    from distbench.errors import UsageError
    from distbench.plugins import registry

    zoo = registry().make("zoo", name)
    make = getattr(zoo, "build", None)
    if make is None:
        raise UsageError(f"zoo {name!r} is not made by training; it has no build")
    folder = output or Path(f"{name}-zoo")
    make(folder, lambda line: typer.echo(line, err=True))
    typer.echo(f"{folder} (use it with --zoo {name}:path={folder})")
