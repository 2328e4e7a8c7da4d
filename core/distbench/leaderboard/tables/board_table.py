"""A leaderboard as a table of text, as CSV and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.analysis.lines import Line
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
_LEFT = ("rank", "method", "evidence")
"""Columns of the text table that hold words."""
_FIRST = ("method", "role", "measure")
"""Columns of the CSV that say whose line it is and what of."""


def board_table(board: Board) -> TextTable:
    """A row a method, the columns of `board_columns`, and what there is to say of them."""
    columns = [(c.key, c.title, c.text) for c in board_columns(board) if c.title and c.text]
    body = tuple(tuple(text(line) for _, _, text in columns) for line in board.lines)
    heads = tuple(title for _, title, _ in columns)
    left = tuple(i for i, (key, _, _) in enumerate(columns) if key in _LEFT)
    return TextTable(heads, body, tuple(_notes(board)), left)


def board_csv(board: Board) -> str:
    """Results only, a row a method, so that equal runs give equal files.

    Columns: method, role, measure (where it is not accuracy), rank (``2`` or ``1-3``), evidence
    (where there are submissions), one for each task (mean over seeds; 0..1 where it is shown in
    percent), mean, mean_low, mean_high, validation (where it was measured), delta, delta_low,
    delta_high, p_holm, average_rank, win_rate, coverage (done/planned cells). What does not exist
    is empty, as is a task with a missing seed. A task with the name of another column gets the
    prefix ``task:``.
    """
    # Whose line it is comes first.
    columns = board_columns(board)
    columns.sort(key=lambda column: column.task is not None or column.key not in _FIRST)
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


def reading_notes(board: Board) -> list[tuple[Text, ...]]:
    """What the numbers of a board mean."""
    return [
        note(_interval_note(board)),
        *_baseline_notes(board),
        *_rank_notes(board),
    ]


def _notes(board: Board) -> list[tuple[Text, ...]]:
    count, seeds = plural(len(board.tasks), "task"), plural(len(board.seeds), "seed")
    groups = len(set(board.groups))
    if groups < len(board.tasks):
        count += f" in {plural(groups, 'group')}"
    notes = [
        note(
            "Suite ",
            name_cell(board.suite),
            f" version {board.suite_version}, {count}, {seeds}; {_judged_by(board)}.",
        ),
        *group_notes(board),
        *reading_notes(board),
    ]
    for role in ("control", "ceiling"):
        named = [line.method for line in board.lines if line.role == role and not line.again]
        if named:
            notes.append(note(f"Without a rank, as {role}: ", *_listed(named), "."))
    if named := [line.method for line in board.lines if line.again and line.complete]:
        text = "Without a rank, as another file's results of a method that stands: "
        notes.append(note(text, *_listed(named), "."))
    notes += untuned_notes(board)
    notes += fewer_seeds(board)
    notes += [_missing_note(line) for line in board.lines if not line.complete]
    return notes


def _judged_by(board: Board) -> str:
    """What the numbers are: the measure, of each task where they differ, and its unit."""
    text = f"test {board.measure_title}"
    if len(set(board.measures)) > 1:
        pairs = zip(board.tasks, board.measures, strict=True)
        text = "test " + ", ".join(f"{one.title} on {task}" for task, one in pairs)
    text += " in percent" if board.percent else ""
    return text if board.sign > 0 else text + ", lower is better"


def untuned_notes(board: Board) -> list[tuple[Text, ...]]:
    """What nobody tuned for this suite."""
    if not board.untuned:
        return []
    text = "Untuned in this suite, so with their own defaults: "
    return [note(text, *_listed(board.untuned), ".")]


def _listed(names: Iterable[str]) -> list[str | Text]:
    return _joined(", ", ([name_cell(name)] for name in names))


def _joined(between: str, items: Iterable[Sequence[str | Text]]) -> list[str | Text]:
    """The parts of several items, with a text between one and the next."""
    return [part for item in items for part in (between, *item)][1:]


def group_notes(board: Board) -> list[tuple[Text, ...]]:
    """Which tasks count as one."""
    members: dict[str, list[str]] = defaultdict(list)
    for task, group in zip(board.tasks, board.groups, strict=True):
        members[group].append(task)
    shared = {group: tasks for group, tasks in members.items() if len(tasks) > 1}
    if not shared:
        return []
    parts = _joined("; ", ([f"{group}: ", *_listed(tasks)] for group, tasks in shared.items()))
    return [note("Tasks that share data or kind count as one group: ", *parts, ".")]


def noise_of(board: Board) -> str:
    """What the intervals of tasks are over; empty where there are none."""
    entries = [entry for line in board.lines for entry in line.entries if entry.estimate]
    of_images = bool(entries) and all(entry.of_images for entry in entries)
    if len(board.seeds) == 1:
        return "test images of one seed" if of_images else ""
    return "seeds and test images" if of_images else "seeds"


def _interval_note(board: Board) -> str:
    if not noise_of(board):
        return "One seed: no interval for tasks and mean."
    return (
        f"±: half the 95 % interval over {noise_of(board)}; of the mean: with the tasks as given, "
        "each group of equal weight."
    )


def _baseline_notes(board: Board) -> list[tuple[Text, ...]]:
    if board.baseline is None:
        incomplete = any(line.method == board.wanted_baseline for line in board.lines)
        why = "is incomplete" if incomplete else "is not among the methods"
        return [note("No comparison: the baseline ", name_cell(board.wanted_baseline), f" {why}.")]
    unit = "in percentage points, " if board.percent else ""
    vs = note("vs ", name_cell(board.baseline), f": mean difference {unit}paired by ")
    compared = plural(
        sum(line.rank is not None and line.delta is not None for line in board.lines), "comparison"
    )
    tested = any(line.p_holm is not None for line in board.lines)
    if len(set(board.groups)) > 1:
        rest = "task and seed, ± half the 95 % t interval over groups of tasks"
        if tested:
            rest += (
                f"; p (Holm): paired t test over them, Holm for {compared}; p (flip): by "
                "flipping their signs, not adjusted"
            )
    elif tested or any(line.delta and line.delta.half is not None for line in board.lines):
        rest = "image and seed, ± half the 95 % interval over them"
        rest += f"; p: Holm for {compared}" if tested else ""
    else:
        rest = "seed; one task gives no interval and no p value " + (
            "without its test predictions"
            if board.measures[0].share
            else "by a measure that is no share of its images"
        )
    notes = [(*vs, *note(rest + ". wins: share of (task, seed) pairs, a draw counts half."))]
    equal = [line.method for line in board.lines if line.delta and line.delta.half is None]
    if equal and len(set(board.groups)) > 1:
        head = "No interval: the differences are equal on all tasks ("
        notes.append(note(head, *_listed(equal), ")."))
    return notes


def _rank_notes(board: Board) -> list[tuple[Text, ...]]:
    if sum(line.rank is not None for line in board.lines) < 2:
        return []
    return [
        note(
            "rank: 95 % confidence set of each method's rank, from its tests against every other "
            "(Holm); 1-3 means that no more than two are better and that nothing shows which."
        )
    ]


def fewer_seeds(board: Board) -> list[tuple[Text, ...]]:
    """What has fewer seeds than others, and over how many cells it is compared."""
    few: dict[str, list[str]] = defaultdict(list)
    for line in board.lines:
        seeds = sorted({seed for entry in line.entries for seed in entry.seeds})
        if line.complete and len(seeds) < len(board.seeds):
            over = f", compared over {plural(line.compared, 'cell')}" if line.compared else ""
            few[f" ({seeds_text(seeds)}{over})"].append(line.method)
    if not few:
        return []
    parts = _joined("; ", ([*_listed(methods), what] for what, methods in few.items()))
    head = "With other seeds than the rest, each comparison over those that both have: "
    return [note(head, *parts, ".")]


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
