"""The leaderboard of one run, in all its formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from distbench.leaderboard.analysis.board import Board, build_board
from distbench.leaderboard.analysis.costs import method_costs
from distbench.leaderboard.analysis.source_weights import source_weights
from distbench.leaderboard.figures.pareto import write_picture
from distbench.leaderboard.rows.measures import MeasureFacts
from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.tables.board_table import board_csv, board_json, board_table
from distbench.leaderboard.tables.cost_table import cost_csv
from distbench.leaderboard.tables.text_table import latex_text, markdown_text
from distbench.leaderboard.tables.weight_table import weights_json
from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row


def write(
    rows: Iterable[Row | RowRecord],
    folder: Path,
    *,
    tasks: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    baseline: str = "finetune",
    measure: str | MeasureFacts | None = None,
) -> Board:
    """Builds the leaderboard and writes it in all its formats.

    Writes ``leaderboard.md``, ``.csv``, ``.json`` and ``.tex`` and ``weights.json``, which hold
    results only, so that equal runs give equal files, ``costs.csv``, which differs each time, and
    the picture of accuracy against compute. Each file is seen whole or not at all.

    Args:
        rows: Of one suite and protocol, in any order.
        folder: Made where it is missing.
        tasks: The planned tasks, in order.
        seeds: The planned seeds.
        baseline: The method that all others are compared with.
        measure: As for `build_board`.

    Raises:
        UsageError: The rows cannot share a table; nothing is written.
        OSError: The folder cannot be written to.
    """
    records = as_records(rows)
    board = build_board(records, tasks=tasks, seeds=seeds, baseline=baseline, measure=measure)
    records = [row for row in records if row.task.id in board.tasks and row.seed in board.seeds]
    methods = [line.method for line in board.lines]
    table = board_table(board)
    files = {
        "leaderboard.md": markdown_text(table),
        "leaderboard.csv": board_csv(board),
        "leaderboard.json": board_json(board),
        "leaderboard.tex": latex_text(table),
        "weights.json": weights_json(source_weights(records, methods=methods, tasks=board.tasks)),
        "costs.csv": cost_csv(method_costs(records, methods=methods)),
    }
    for file, content in files.items():
        write_atomic(folder / file, content)
    write_picture(board, records, folder)
    return board
