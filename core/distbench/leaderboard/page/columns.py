"""The columns of a leaderboard as the page reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.page.detail import digits
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.board_columns import Column, PageHead, board_columns

_SCALE = 100_000
"""Values are whole numbers of 1e-5; the page shows shares as percent with one decimal."""

_COMPUTE = {
    "macs": PageHead(
        "MACs", "size", hint="Training on a task: student, passes of its sources, teaching them"
    ),
    "seconds": PageHead("Seconds", "number", hint="The same in seconds, on one machine"),
}


def column_data(board: Board) -> dict[str, Any]:
    """The heads of the table's columns in order, and the values of each column under its key.

    An estimate is its mean, and ``KEYHalf`` half its interval; tasks are in ``task``, a list a
    method, with the means of the seeds that there are.
    """
    columns = [column for column in board_columns(board) if column.key != "measure"]
    heads = [_head(column.key, column.page) for column in columns if column.task is None]
    heads += [_head(key, head) for key, head in _COMPUTE.items()]
    heads += [_head(f"task{c.task}", c.page, c.task) for c in columns if c.task is not None]
    values = [_values(column, board) for column in columns if column.task is None]
    return {
        "columns": [head for head in heads if head is not None],
        **{key: column for by_key in values for key, column in by_key.items()},
        "task": [[_mean(entry.values) for entry in line.entries] for line in board.lines],
        "taskHalf": [[_half(entry.estimate) for entry in line.entries] for line in board.lines],
        "seedsOf": [
            [[share(v) for v in entry.values] for entry in line.entries] for line in board.lines
        ],
    }


def _head(key: str, head: PageHead | None, task: int | None = None) -> dict[str, Any] | None:
    return None if head is None else {"key": key, **asdict(head), "task": task}


def _values(column: Column, board: Board) -> dict[str, list[Any]]:
    values = [column.value(line) for line in board.lines]
    if not column.interval:
        return {column.key: [digits(v) if isinstance(v, float) else v for v in values]}
    estimates = [value if isinstance(value, Estimate) else None for value in values]
    return {
        column.key: [share(e.mean) if e else None for e in estimates],
        f"{column.key}Half": [_half(e) for e in estimates],
    }


def _half(estimate: Estimate | None) -> int | None:
    return share(estimate.half) if estimate else None


def _mean(values: Sequence[float]) -> int | None:
    return share(sum(values) / len(values)) if values else None


def share(value: float | None) -> int | None:
    """A share as a whole number that rounds to the same percent as in the other formats."""
    if value is None:
        return None
    whole = round(value * _SCALE)
    if abs(whole) % 100 == 50:  # halfway, and what a float makes of that differs by language
        whole += 1 if 1000 * round(100 * value, 1) > whole else -1
    return whole
