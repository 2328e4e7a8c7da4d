"""`distbench show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("show", epilog="Example: distbench show runs/mini-1a2b3c4d")(show)


def show(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run's folder, or its name under runs/; the latest if left out."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Show a run: its leaderboard, the source weights each task got, and the costs."""
    from distbench import leaderboard
    from distbench.engine.run_folder import open_run
    from distbench.leaderboard.analysis import costs
    from distbench.leaderboard.analysis import source_weights as weights

    found = open_run(run)
    rows = leaderboard.as_records(found.rows)
    board = leaderboard.build(rows, tasks=found.tasks, seeds=found.plan.seeds)
    methods = [line.method for line in board.lines]
    used = weights.source_weights(rows, methods=methods, tasks=board.tasks)
    spent = costs.costs(rows, methods=methods)
    if json:
        o.print_json(
            {
                "folder": str(found.folder),
                "leaderboard": board.as_dict(),
                "weights": weights.plain(used),
                "costs": costs.plain(spent),
            }
        )
        return
    typer.echo(leaderboard.render.terminal(board))
    if used:
        typer.echo("\n" + weights.terminal(used))
    typer.echo("\n" + costs.terminal(spent))
