"""`distbench show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = "Example: distbench show runs/mini-1a2b3c4d"


def show(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run's folder, or its name under runs/; the latest if left out."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Show a run: its leaderboard, the source weights each task got, the costs, and the hosts."""
    from distbench.engine.records.run_folder import open_run
    from distbench.leaderboard.analysis.board import build_board
    from distbench.leaderboard.analysis.costs import method_costs
    from distbench.leaderboard.analysis.hosts import cells_by_host, hosts_text
    from distbench.leaderboard.analysis.source_weights import source_weights
    from distbench.leaderboard.tables.board_table import board_table
    from distbench.leaderboard.tables.cost_table import cost_table, costs_as_dicts
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.leaderboard.tables.weight_table import weight_table, weights_as_dicts
    from distbench.workflows.image_names import IMAGES
    from distbench.workflows.run_records import judging_of, records_of

    run_folder = open_run(run)
    for line in run_folder.warnings:
        echo(f"warning: {line}", err=True)
    if run_folder.missing:
        echo(f"note: {run_folder.folder}: {run_folder.missing}", err=True)
    judging = judging_of(run_folder.plan)
    rows = records_of(run_folder.plan, run_folder.rows, run_folder.folder, judging)
    for line in judging.notes:
        echo(f"note: {line}", err=True)
    o.print_notes(run_folder.plan)
    tasks = [task.id for task in run_folder.plan.tasks]
    board = build_board(rows, tasks=tasks, seeds=run_folder.plan.seeds)
    methods = [line.method for line in board.lines]
    weights = source_weights(rows, methods=methods, tasks=board.tasks)
    costs = method_costs(rows, methods=methods)
    hosts = cells_by_host(rows)
    if json:
        o.print_json(
            {
                "folder": str(run_folder.folder),
                "leaderboard": board.as_dict(),
                "weights": weights_as_dicts(weights),
                "costs": costs_as_dicts(costs),
                "hosts": hosts,
            }
        )
        return
    echo(terminal_text(board_table(board)))
    if weights:
        echo("\n" + terminal_text(weight_table(weights)))
    echo("\n" + terminal_text(cost_table(costs)))
    if hosts:
        echo("\n" + hosts_text(hosts))
    if (run_folder.folder / IMAGES).is_file():
        echo(f"\nWhich image was in which part, by its name: {run_folder.folder / IMAGES}")
