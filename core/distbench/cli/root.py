"""All commands, one module for each; nothing heavy is imported above a function body."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from distbench.cli import zoo
from distbench.cli.process.commands import Command, Group
from distbench.cli.process.environment import environment_notes
from distbench.cli.shown.output import echo

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
    *("run", "rank", "advise", "retrieve", "tune", "study", "show", "list_", "info", "fetch"),
    *("plugins", "writing.new", "writing.schema", "check", "plan", "merge", "leaderboard"),
    *("submit", "validate"),
    *("shipping.export", "shipping.predict", "env"),
):
    module = import_module(f"distbench.cli.{name}")
    function = name.rpartition(".")[2]
    app.command(function.rstrip("_"), cls=Command, epilog=module.EPILOG)(getattr(module, function))
app.add_typer(zoo.app, name="zoo")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        echo(f"distbench {version('distbench')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    for line in environment_notes():
        echo(f"warning: {line}", err=True)
