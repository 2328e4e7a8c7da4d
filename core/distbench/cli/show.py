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
    import json as json_

    from distbench import leaderboard
    from distbench.leaderboard import costs, weights
    from distbench.runfolder import open_run

    found = open_run(run)
    board = leaderboard.build(found.rows, tasks=found.tasks, seeds=found.plan.seeds)
    if json:
        o.print_json(
            {
                "folder": str(found.folder),
                "leaderboard": board.as_dict(),
                "weights": json_.loads(weights.json_text(weights.source_weights(found.rows))),
            }
        )
        return
    typer.echo(leaderboard.render.terminal(board))
    used = weights.source_weights(found.rows)
    if used:
        typer.echo("\n" + weights.terminal(used))
    typer.echo("\n" + costs.terminal(costs.costs(found.rows)))
