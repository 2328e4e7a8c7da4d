"""The command line: one module for each command, nothing heavy imported above a function body."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from distbench.cli import zoo

app = typer.Typer(
    name="distbench",
    help="Which pretrained models should a small network learn from, and how much from each?",
    epilog=(
        "Exit codes: 0 done; 1 some cells failed, or the machine did; 2 usage, configuration, "
        "unknown name; 3 data, weights or submissions refused; 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

for name in (
    *("run", "rank", "retrieve", "tune", "study", "show", "list_", "info", "fetch", "plugins"),
    *("new", "check", "plan", "merge", "leaderboard", "submit", "validate", "export", "env"),
):
    module = import_module(f"distbench.cli.{name}")
    app.command(name.rstrip("_"), epilog=module.EPILOG)(getattr(module, name))
app.add_typer(zoo.app, name="zoo")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"distbench {version('distbench')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the command line; a problem that a person can mend is one line on stderr."""
    from distbench.errors import DistbenchError

    try:
        app()
    except DistbenchError as error:
        typer.echo(f"distbench: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"distbench: {error.strerror or error}{where}", err=True)
        sys.exit(1)
