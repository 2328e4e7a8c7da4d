"""A leaderboard as a table of text, as CSV and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from distbench.leaderboard.analysis.board import Board, Line
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.board_columns import Column, board_columns
from distbench.leaderboard.tables.text_table import (
    Text,
    TextTable,
    csv_text,
    name_cell,
    note,
    plural,
    seeds_text,
)
from distbench.storage.safe_text import plain_json

_DIGITS = 6


def board_table(board: Board) -> TextTable:
    """A row a method, the columns of `board_columns`, and what there is to say of them."""
    columns = [(c.title, c.text) for c in board_columns(board) if c.title and c.text]
    body = tuple(tuple(text(line) for _, text in columns) for line in board.lines)
    return TextTable(tuple(title for title, _ in columns), body, tuple(_notes(board)))


def board_csv(board: Board) -> str:
    """Results only, a row a method, so that equal runs give equal files.

    Columns: method, role, rank (``2`` or ``1-3``), one for each task (mean over seeds, 0..1), mean,
    mean_low, mean_high, delta, delta_low, delta_high, p_holm, average_rank, win_rate, coverage
    (done/planned cells). What does not exist is empty, as is a task with a missing seed. A task
    with the name of another column gets the prefix ``task:``.
    """
    # Whose line it is comes first.
    columns = board_columns(board)
    columns.sort(key=lambda column: column.task is not None or column.key not in ("method", "role"))
    others = {field for column in columns if column.task is None for field in _csv_fields(column)}
    heads = [
        f"task:{field}" if column.task is not None and field in others else field
        for column in columns
        for field in _csv_fields(column)
    ]
    body = (
        [field for column in columns for field in _csv_values(column, line)] for line in board.lines
    )
    return csv_text([heads, *body])


def _csv_fields(column: Column) -> list[str]:
    return [f"{column.key}{end}" for end in (("", "_low", "_high") if column.interval else ("",))]


def _csv_values(column: Column, line: Line) -> list[str]:
    value = column.value(line)
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [column.pair(*value)]
    if isinstance(value, Estimate):
        numbers = [value.mean, value.low, value.high]
        return [_float(number) for number in numbers[: len(_csv_fields(column))]]
    return [_float(value) for _ in _csv_fields(column)]


def _float(value: float | None) -> str:
    return "" if value is None else repr(round(value, _DIGITS) + 0.0)


def board_json(board: Board) -> str:
    """Everything that the board knows, the values of each seed included; results only."""
    text = json.dumps(board.as_dict(), indent=1, allow_nan=False, ensure_ascii=False)
    return plain_json(text) + "\n"


def _notes(board: Board) -> list[tuple[Text, ...]]:
    count, seeds = plural(len(board.tasks), "task"), plural(len(board.seeds), "seed")
    measure = "test " + board.measure.replace("_", " ")
    notes = [
        note(
            "Suite ",
            name_cell(board.suite),
            f" version {board.suite_version}, {count}, {seeds}; {measure} in percent.",
        ),
        note(_interval_note(len(board.seeds), count)),
        *_baseline_notes(board),
        *_rank_notes(board),
    ]
    for role in ("control", "ceiling"):
        named = [line.method for line in board.lines if line.role == role]
        if named:
            methods = _joined(", ", ([name_cell(method)] for method in named))
            notes.append(note(f"Without a rank, as {role}: ", *methods, "."))
    notes += [_missing_note(line) for line in board.lines if not line.complete]
    return notes


def _joined(between: str, items: Iterable[Sequence[str | Text]]) -> list[str | Text]:
    """The parts of several items, with a text between one and the next."""
    return [part for item in items for part in (between, *item)][1:]


def _interval_note(seeds: int, tasks: str) -> str:
    if seeds == 1:
        return "One seed: no interval for tasks and mean."
    return (
        f"±: half the 95 % t interval over {seeds} seeds; of the mean: over the seeds' noise, "
        f"with the {tasks} as given and of equal weight."
    )


def _baseline_notes(board: Board) -> list[tuple[Text, ...]]:
    if board.baseline is None:
        incomplete = any(line.method == board.wanted_baseline for line in board.lines)
        why = "is incomplete" if incomplete else "is not among the methods"
        return [note("No comparison: the baseline ", name_cell(board.wanted_baseline), f" {why}.")]
    vs = note(
        "vs ", name_cell(board.baseline), ": mean difference in percentage points, paired by "
    )
    compared = sum(line.rank is not None and line.delta is not None for line in board.lines)
    if len(board.tasks) == 1:
        rest = "seed; one task gives no interval and no p value."
    else:
        rest = "task and seed, ± half the 95 % t interval over tasks"
        if any(line.p_holm is not None for line in board.lines):
            rest += f"; p: paired t test over tasks, Holm for {plural(compared, 'comparison')}"
        rest += "."
    notes = [(*vs, *note(rest + " wins: share of (task, seed) pairs, a draw counts half."))]
    equal = [line.method for line in board.lines if line.delta and line.delta.half is None]
    if equal and len(board.tasks) > 1:
        methods = _joined(", ", ([name_cell(method)] for method in equal))
        head = "No interval: the differences are equal on all tasks ("
        notes.append(note(head, *methods, ")."))
    return notes


def _rank_notes(board: Board) -> list[tuple[Text, ...]]:
    if sum(line.rank is not None for line in board.lines) < 2:
        return []
    if len(board.tasks) == 1:
        return [note("Ranks are by mean only: one task gives no interval over tasks.")]
    return [
        note(
            "rank: methods from the best of a group down to the last that is not significantly "
            "worse share a rank such as 1-3 (paired t over tasks against the best, at 5 % for all "
            "of them together)."
        )
    ]


def _missing_note(line: Line) -> tuple[Text, ...]:
    groups: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for gap in line.missing:
        groups[gap.status, gap.reason][gap.task].append(gap.seed)
    parts = []
    for (status, reason), tasks in groups.items():
        where = _joined(
            ", ", ([name_cell(task), f" ({seeds_text(seeds)})"] for task, seeds in tasks.items())
        )
        parts.append([f"{status} on ", *where, f": {reason.rstrip('.')}" if reason else ""])
    head = note("Incomplete, without a rank: ", name_cell(line.method))
    return (*head, *note(" {}/{}; ".format(*line.coverage), *_joined("; ", parts), "."))
