"""From rows to statistics to tables. Knows nothing of how the rows were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from distbench.leaderboard import board_table as render
from distbench.leaderboard.analysis import costs
from distbench.leaderboard.analysis import source_weights as weights
from distbench.leaderboard.analysis.board import Board, Line, build
from distbench.leaderboard.figures import pareto as picture
from distbench.leaderboard.rows.entries import Entry, Measure, Missing
from distbench.leaderboard.rows.records import Reader, Record, as_records
from distbench.leaderboard.statistics import Difference, Estimate
from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row

__all__ = [
    "Board",
    "Difference",
    "Entry",
    "Estimate",
    "Line",
    "Measure",
    "Missing",
    "Reader",
    "Record",
    "as_records",
    "build",
    "costs",
    "picture",
    "render",
    "weights",
    "write",
]


def write(
    rows: Iterable[Row | Record],
    folder: Path,
    *,
    tasks: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    baseline: str = "finetune",
    measure: Measure = "accuracy",
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
        measure: ``accuracy`` or ``balanced_accuracy``.

    Raises:
        UsageError: The rows cannot share a table; nothing is written.
        OSError: The folder cannot be written to.
    """
    held = as_records(rows)
    board = build(held, tasks=tasks, seeds=seeds, baseline=baseline, measure=measure)
    held = [row for row in held if row.task.id in board.tasks and row.seed in board.seeds]
    methods = [line.method for line in board.lines]
    learnt = weights.source_weights(held, methods=methods, tasks=board.tasks)
    files = {
        "leaderboard.md": render.markdown(board),
        "leaderboard.csv": render.csv_text(board),
        "leaderboard.json": render.json_text(board),
        "leaderboard.tex": render.latex(board),
        "weights.json": weights.json_text(learnt),
        "costs.csv": costs.csv_text(costs.costs(held, methods=methods)),
    }
    for file, content in files.items():
        write_atomic(folder / file, content)
    picture.write(board, held, folder)
    return board
