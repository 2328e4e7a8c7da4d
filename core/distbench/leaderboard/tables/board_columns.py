"""The columns of a leaderboard: one list, from which text tables, CSV and page are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.analysis.lines import Line
from distbench.leaderboard.rows.entries import BoardEntry
from distbench.leaderboard.rows.measures import ACCURACY
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.text_table import (
    EMPTY,
    Kind,
    Text,
    name_cell,
    number_cell,
    short_names,
)

Value = Estimate | tuple[int, int] | float | str | None


@dataclass(frozen=True)
class PageHead:
    """How the page shows a column.

    Attributes:
        title: What stands in the head.
        form: How a value is written: a key of ``CELLS`` in ``table.js``.
        first: Which value is on top when it is sorted by: 1 the smallest, -1 the largest.
        hint: What it means, in a sentence.
        name: The name of something, after the title.
    """

    title: str
    form: str
    first: Literal[1, -1] = 1
    hint: str = ""
    name: str = ""


@dataclass(frozen=True)
class Column:
    """One column of the leaderboard.

    Attributes:
        key: Its name in the CSV and in the page's data.
        value: What a line has in it; None where it has nothing.
        title: Its head in text tables, which leave out a column without.
        text: Its cell in text tables.
        interval: Whether the CSV holds an estimate's interval too, as ``KEY_low``, ``KEY_high``.
        pair: How the CSV joins two numbers.
        page: Its head on the page, which has only the data of a column without.
        task: Number of its task.
    """

    key: str
    value: Callable[[Line], Value]
    title: Text | None = None
    text: Callable[[Line], Text] | None = None
    interval: bool = False
    pair: Callable[[int, int], str] = "{}/{}".format
    page: PageHead | None = None
    task: int | None = None


_COMPARISON = ("delta", "p_holm", "p_flip", "win_rate")
"""Columns that only the CSV has where there is no baseline."""


def board_columns(board: Board) -> list[Column]:
    """The columns of a leaderboard in the order of its text tables."""
    best = board.best if sum(line.rank is not None for line in board.lines) > 1 else None
    columns = [
        Column(
            "rank",
            lambda line: line.rank,
            Text("rank", kind="text"),
            lambda line: Text(rank_text(line), kind="text"),
            pair=_rank_range,
            page=PageHead("Rank", "rank", hint="95 % confidence set: places that it may have"),
        ),
        Column(
            "method",
            lambda line: line.method,
            Text("method", kind="text"),
            lambda line: name_cell(line.method),
            page=PageHead("Method", "method"),
        ),
        Column("role", lambda line: line.role),
        *_evidence_column(board),
        *(
            []
            if board.measure == ACCURACY.name
            else [Column("measure", lambda line: board.measure)]
        ),
        *(_task_column(board, number) for number in range(len(board.tasks))),
        Column(
            "mean",
            lambda line: line.mean,
            Text("mean"),
            lambda line: _mean_cell(board, line, "best" if line is best else "number"),
            interval=True,
            page=PageHead("Mean, %" if board.percent else "Mean", "mean", _top(board)),
        ),
        *_validation_column(board),
        Column(
            "delta",
            lambda line: line.delta,
            Text("vs", board.baseline or ""),
            lambda line: amount(board, line.delta, sign=True),
            interval=True,
            page=PageHead(
                "vs",
                "difference",
                _top(board),
                ("Percentage points; coloured" if board.percent else "Coloured")
                + " where p is below 0.05",
                board.baseline or "",
            ),
        ),
        Column(
            "p_holm",
            lambda line: line.p_holm,
            Text("p", "(Holm)"),
            lambda line: Text(p_text(line.p_holm)),
            page=PageHead("p (Holm)", "p", hint="Paired t test over groups of tasks, adjusted"),
        ),
        Column(
            "p_flip",
            lambda line: line.delta.p_flip if line.delta else None,
            Text("p", "(flip)") if len(set(board.groups)) > 1 else None,
            lambda line: Text(p_text(line.delta.p_flip if line.delta else None)),
            page=PageHead("p (flip)", "p", hint="By flipping signs of the groups, not adjusted"),
        ),
        Column(
            "average_rank",
            lambda line: line.average_rank,
            Text("avg", "rank"),
            lambda line: number_cell(line.average_rank, "{:.1f}"),
            page=PageHead("Avg. rank", "decimal"),
        ),
        Column(
            "win_rate",
            lambda line: line.win_rate,
            Text("wins"),
            lambda line: number_cell(line.win_rate, "{:.0%}"),
            page=PageHead("Wins", "wins", -1),
        ),
        Column("coverage", lambda line: line.coverage),
    ]
    if board.baseline is not None:
        return columns
    return [
        replace(column, title=None, page=None)
        if column.task is None and column.key in _COMPARISON
        else column
        for column in columns
    ]


def _evidence_column(board: Board) -> list[Column]:
    """How far each line is believed, where there are submissions; the page has it as a badge."""
    if all(line.evidence == "run" for line in board.lines):
        return []
    text = Text("evidence", kind="text")
    return [
        Column(
            "evidence",
            lambda line: line.evidence,
            text,
            lambda line: Text(line.evidence, kind="text"),
        )
    ]


def _validation_column(board: Board) -> list[Column]:
    """By what a student is chosen, where it was measured; shown where one task is looked at."""
    if all(line.validation is None for line in board.lines):
        return []
    column = Column(
        "validation",
        lambda line: line.validation,
        Text("validation"),
        lambda line: number_cell(line.validation and 100 * line.validation, "{:.1f}"),
        page=PageHead("Validation, %", "share", -1, "On the images that choose what is shipped"),
    )
    return [column if len(board.tasks) == 1 else replace(column, title=None, page=None)]


def _task_column(board: Board, number: int) -> Column:
    task, short = board.tasks[number], short_names(board.tasks)[number]
    return Column(
        task,
        lambda line: line.entries[number].estimate,
        name_cell(short),
        lambda line: _task_cell(board, line.entries[number]),
        page=PageHead(short, "task", _top(board)),
        task=number,
    )


def _top(board: Board) -> Literal[1, -1]:
    """Which value is on top when it is sorted by: the best one."""
    return -1 if board.sign > 0 else 1


def amount(
    board: Board, estimate: Estimate | None, *, sign: bool = False, kind: Kind = "number"
) -> Text:
    """A value of a board's measure, or a difference between two."""
    return written(estimate, board.percent, sign=sign, kind=kind)


def written(
    estimate: Estimate | None, as_percent: bool, *, sign: bool = False, kind: Kind = "number"
) -> Text:
    """A share as `percent`, any other value with three decimals."""
    if as_percent or estimate is None:
        return percent(estimate, sign=sign, kind=kind)
    value = round(estimate.mean, 3) + 0.0  # no minus zero
    spread = "" if estimate.half is None else f"±{estimate.half:.3f}"
    return Text(f"{value:+.3f}" if sign else f"{value:.3f}", spread, kind)


def percent(estimate: Estimate | None, *, sign: bool = False, kind: Kind = "number") -> Text:
    """A share as percent (a difference as percentage points) with one decimal."""
    if estimate is None:
        return Text(EMPTY)
    value = round(100 * estimate.mean, 1) + 0.0  # no minus zero
    spread = "" if estimate.half is None else f"±{100 * estimate.half:.1f}"
    return Text(f"{value:+.1f}" if sign else f"{value:.1f}", spread, kind)


def p_text(p: float | None) -> str:
    """A p value with three decimals; below that, only that it is smaller."""
    if p is None:
        return EMPTY
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def rank_text(line: Line) -> str:
    """A rank or a set of ranks; for lines without a rank, why they have none."""
    if line.rank is None:
        return "partial" if not line.complete else "again" if line.again else line.role
    return _rank_range(*line.rank)


def _rank_range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _mean_cell(board: Board, line: Line, kind: Kind) -> Text:
    if line.complete:
        return amount(board, line.mean, kind=kind)
    return Text("{}/{}".format(*line.coverage), "cells")


def _task_cell(board: Board, entry: BoardEntry) -> Text:
    if entry.estimate is not None or not entry.values:
        return amount(board, entry.estimate)
    part = amount(board, Estimate(sum(entry.values) / len(entry.values)))
    return Text(part.value, f"({len(entry.values)}/{len(entry.values) + len(entry.missing)})")
