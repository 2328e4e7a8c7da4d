"""`distbench plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli.shown.output import echo, echo_json

EPILOG = "Example: distbench plan run.toml --output plan.json"


def plan(
    config: Annotated[
        Path | None, typer.Argument(help="TOML file with the options of `distbench run`.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File; stdout if left out.")] = None,
) -> None:
    """Write the frozen plan of a run: every job and cell with its key."""
    from distbench.cli.options import print_notes
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan
    from distbench.storage.folders import check_file

    if output is not None:
        check_file(output, "--output")
    run_plan = make_plan(RunConfig.make(config))
    print_notes(run_plan)
    if output is None:
        echo_json(run_plan.to_json())
        return
    run_plan.save(output)
    echo(f"{output}: {len(run_plan.cells)} cells, {len(run_plan.jobs)} jobs", err=True)
