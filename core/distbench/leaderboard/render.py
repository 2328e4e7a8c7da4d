"""A leaderboard in each format: terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json

from distbench.leaderboard import text
from distbench.leaderboard.board import Board, Line
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.table import leaderboard_table, rank_text

_DIGITS = 6
_BEFORE = ("method", "role", "rank")
_AFTER = (
    "mean",
    "mean_low",
    "mean_high",
    "delta",
    "delta_low",
    "delta_high",
    "p_holm",
    "average_rank",
    "win_rate",
    "coverage",
)


def terminal(board: Board, *, width: int = text.WIDTH) -> str:
    """Plain text; where one line a method is wider than `width`, intervals go below the means."""
    return text.terminal(leaderboard_table(board), width=width)


def markdown(board: Board) -> str:
    """A pipe table with the best ranked mean in bold, then the notes as a list."""
    return text.markdown(leaderboard_table(board))


def latex(board: Board) -> str:
    r"""A table for ``\input`` with the best ranked mean in bold; needs the package booktabs."""
    return text.latex(leaderboard_table(board))


def _float(value: float | None) -> str:
    return "" if value is None else repr(round(value, _DIGITS) + 0.0)


def _interval(estimate: Estimate | None) -> list[str]:
    if estimate is None:
        return ["", "", ""]
    return [_float(estimate.mean), _float(estimate.low), _float(estimate.high)]


def _csv_row(line: Line) -> list[str]:
    return [
        line.method,
        line.role,
        rank_text(line) if line.rank else "",
        *(_float(e.estimate.mean if e.estimate else None) for e in line.entries),
        *_interval(line.mean),
        *_interval(line.delta),
        _float(line.p_holm),
        _float(line.average_rank),
        _float(line.win_rate),
        f"{line.coverage[0]}/{line.coverage[1]}",
    ]


def csv_text(board: Board) -> str:
    """Results only, a row a method, so that equal runs give equal files.

    Columns: method, role, rank (``2`` or ``1-3``), one for each task (mean over seeds, 0..1), mean,
    mean_low, mean_high, delta, delta_low, delta_high, p_holm, average_rank, win_rate, coverage
    (done/planned cells). What does not exist is empty, as is a task with a missing seed. A task
    with the name of another column gets the prefix ``task:``.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    tasks = [f"task:{t}" if t in (*_BEFORE, *_AFTER) else t for t in board.tasks]
    writer.writerow([*_BEFORE, *tasks, *_AFTER])
    writer.writerows(_csv_row(line) for line in board.lines)
    return out.getvalue()


def json_text(board: Board) -> str:
    """Everything that the board knows, the values of each seed included; results only."""
    return json.dumps(board.as_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
