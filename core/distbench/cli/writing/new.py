"""`distbench new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli.shown.output import echo

EPILOG = "Example: distbench new metric my_metric"


def new(
    kind: Annotated[str, typer.Argument(help="What to write, e.g. metric, strategy or task.")],
    name: Annotated[str, typer.Argument(help="What it is called, e.g. my_metric.")],
    output: Annotated[
        Path, typer.Option(help="Folder in which the package's folder is made.")
    ] = Path(),
    licence: Annotated[
        str, typer.Option(help="Licence of the package: Apache-2.0, BSD-3-Clause or MIT.")
    ] = "Apache-2.0",
    author: Annotated[
        str | None,
        typer.Option(help="Who holds the copyright. \\[default: the package's developers]"),
    ] = None,
) -> None:
    """Write a package with a new component that works: module, tests, README, CI."""
    from distbench.errors import UsageError
    from distbench.plugins.registry import registry
    from distbench.plugins.scaffold import write_package

    names = registry()
    if name in names.names(kind):
        raise UsageError(
            f"{kind} {name!r} is offered by {names.offer(kind, name).origin} already; "
            "choose another name"
        )
    package = write_package(kind, name, output, licence=licence, author=author)
    echo(f"{package.folder}")
    for file in package.files:
        echo(f"  {file}")
    echo("\nNext:")
    for command in (
        f"cd {package.folder}",
        'pip install --editable ".[dev]"',
        f"distbench check {package.distribution}",
    ):
        echo(f"  {command}")
