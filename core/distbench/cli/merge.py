"""`distbench merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli.shown.output import echo

EPILOG = "Example: distbench merge runs/mini-1a2b3c4d-shard-*"


def merge(
    slices: Annotated[list[Path], typer.Argument(help="Folders of `distbench run --shard`.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder. \\[default: runs/NAME of the plan]")
    ] = None,
) -> None:
    """Join the slices of a run and print its leaderboard."""
    from distbench.engine.records.run_folder import merge_runs, open_run
    from distbench.leaderboard.tables.board_table import board_table
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.storage.folders import check_folder
    from distbench.storage.hits import read_test_labels, write_test_labels
    from distbench.workflows.run import copy_rows, write_tables

    if output is not None:
        check_folder(output, "--output")
    runs = [open_run(path) for path in slices]
    for line in (line for run in runs for line in run.warnings):
        echo(f"warning: {line}", err=True)
    folder = output or Path("runs") / runs[0].plan.name
    plan, rows, slice_of = merge_runs(runs, folder)
    copy_rows(
        rows,
        folder,
        lambda row: slice_of(row).predictions(row),
        lambda row: slice_of(row).logs(row),
    )
    for part in runs:
        write_test_labels(folder, read_test_labels(part.folder))
    board = write_tables(plan, rows, folder)
    if board:
        echo(terminal_text(board_table(board)))
    missing = len(plan.cells) - sum(row.status != "failed" for row in rows)
    echo(f"\n{len(rows)} of {len(plan.cells)} cells joined in {folder}.")
    if missing:
        echo(f"warning: {missing} cells are missing or failed", err=True)
        raise typer.Exit(1)
