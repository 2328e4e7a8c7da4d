"""`distbench plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("plan", epilog="Example: distbench plan run.toml --output plan.json")(plan)


def plan(
    config: Annotated[
        Path | None, typer.Argument(help="TOML file with the options of `distbench run`.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File; stdout if left out.")] = None,
) -> None:
    """Write the frozen plan of a run: every job and cell with its key."""
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan

    made = make_plan(RunConfig.make(config))
    if output is None:
        typer.echo(made.to_json())
        return
    made.save(output)
    typer.echo(f"{output}: {len(made.cells)} cells, {len(made.jobs)} jobs", err=True)
