"""The command line: one module for each command, nothing heavy imported above a function body."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from distbench.cli import zoo
from distbench.cli.process.commands import Command, Group
from distbench.cli.process.ending import leave, open_standard_streams, tell, tell_of_threads
from distbench.cli.process.signals import heed_signals
from distbench.storage.ordinary_files import refuse_what_never_ends

app = typer.Typer(
    name="distbench",
    cls=Group,
    help="Which pretrained models should a small network learn from, and how much from each?",
    epilog=(
        "Exit codes: 0 done; 1 some cells failed, or the machine did; 2 usage, configuration, "
        "unknown name; 3 data, weights or submissions refused; 130 interrupted, 143 terminated."
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
    app.command(name.rstrip("_"), cls=Command, epilog=module.EPILOG)(getattr(module, name))
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
    """Runs the command line; whatever ends it is one line on stderr and an exit code."""
    open_standard_streams()
    heed_signals()
    refuse_what_never_ends()
    tell_of_threads()
    try:
        app()
    except SystemExit as end:
        leave(end.code)
    except BaseException as error:
        leave(tell(error))
