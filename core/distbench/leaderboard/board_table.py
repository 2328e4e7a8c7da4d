"""A leaderboard in each format: terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict

from distbench.leaderboard import text_table as text
from distbench.leaderboard.analysis.board import Board, Line
from distbench.leaderboard.rows.entries import Entry
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.text_table import (
    EMPTY,
    Kind,
    Text,
    TextTable,
    name,
    number,
    say,
    short_names,
)

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
    """A place or a tie group; for lines without a rank, why they have none."""
    if line.rank is None:
        return "partial" if not line.complete else line.role
    first, last = line.rank
    return str(first) if first == last else f"{first}-{last}"


def _task_cell(entry: Entry, planned: int) -> Text:
    if entry.estimate is not None or not entry.values:
        return percent(entry.estimate)
    part = percent(Estimate(sum(entry.values) / len(entry.values)))
    return Text(part.value, f"({len(entry.values)}/{planned})")


def _body_row(line: Line, board: Board) -> tuple[Text, ...]:
    is_best = board.best is line and sum(x.rank is not None for x in board.lines) > 1
    mean = (
        percent(line.mean, kind="best" if is_best else "number")
        if line.complete
        else Text(f"{line.coverage[0]}/{line.coverage[1]}", "cells")
    )
    return (
        Text(rank_text(line), kind="text"),
        name(line.method),
        *(_task_cell(entry, len(board.seeds)) for entry in line.entries),
        mean,
        *([percent(line.delta, sign=True), Text(p_text(line.p_holm))] if board.baseline else []),
        number(line.average_rank, "{:.1f}"),
        *([number(line.win_rate, "{:.0%}")] if board.baseline else []),
    )


def leaderboard_table(board: Board) -> TextTable:
    """A row a method; columns: rank, method, tasks, mean, comparison with the baseline."""
    header = (
        Text("rank", kind="text"),
        Text("method", kind="text"),
        *(name(task) for task in short_names(board.tasks)),
        Text("mean"),
        *([Text("vs", board.baseline), Text("p", "(Holm)")] if board.baseline else []),
        Text("avg", "rank"),
        *([Text("wins")] if board.baseline else []),
    )
    body = tuple(_body_row(line, board) for line in board.lines)
    return TextTable(header, body, tuple(_notes(board)))


def _notes(board: Board) -> list[tuple[Text, ...]]:
    count = f"{len(board.tasks)} {'task' if len(board.tasks) == 1 else 'tasks'}"
    n = len(board.seeds)
    seeds = f"{n} {'seed' if n == 1 else 'seeds'}"
    measure = "test " + board.measure.replace("_", " ")
    notes = [
        say(
            "Suite ",
            name(board.suite),
            f" version {board.suite_version}, {count}, {seeds}; {measure} in percent.",
        ),
        say(*_interval_note(n, count)),
        *_baseline_notes(board),
        *_rank_notes(board),
    ]
    for role in ("control", "ceiling"):
        named = [line.method for line in board.lines if line.role == role]
        if named:
            shown: list[str | Text] = []
            for method in named:
                shown += [", ", name(method)]
            notes.append(say(f"Without a rank, as {role}: ", *shown[1:], "."))
    notes += [_missing_note(line) for line in board.lines if not line.complete]
    return notes


def _interval_note(seeds: int, tasks: str) -> tuple[str, ...]:
    if seeds == 1:
        return ("One seed: no interval for tasks and mean.",)
    return (
        f"±: half the 95 % t interval over {seeds} seeds; of the mean: over the seeds' noise, "
        f"with the {tasks} as given and of equal weight.",
    )


def _baseline_notes(board: Board) -> list[tuple[Text, ...]]:
    if board.baseline is None:
        found = any(line.method == board.wanted_baseline for line in board.lines)
        why = "is incomplete" if found else "is not among the methods"
        return [say("No comparison: the baseline ", name(board.wanted_baseline), f" {why}.")]
    vs = say("vs ", name(board.baseline), ": mean difference in percentage points, paired by ")
    compared = sum(line.p_holm is not None for line in board.lines)
    if len(board.tasks) == 1:
        rest = "seed; one task gives no interval and no p value."
    else:
        rest = "task and seed, ± half the 95 % t interval over tasks"
        rest += (
            f"; p: paired t test over tasks, Holm for {compared} "
            f"{'comparison' if compared == 1 else 'comparisons'}."
            if compared
            else "."
        )
    return [(*vs, *say(rest + " wins: share of (task, seed) pairs, a draw counts half."))]


def _rank_notes(board: Board) -> list[tuple[Text, ...]]:
    if sum(line.rank is not None for line in board.lines) < 2:
        return []
    if len(board.tasks) == 1:
        return [say("Ranks are by mean only: one task gives no interval over tasks.")]
    return [
        say(
            "rank: methods from the best of a group down to the last that is not significantly "
            "worse share a rank such as 1-3 (paired t over tasks against the best, at 5 % for all "
            "of them together)."
        )
    ]


def _missing_note(line: Line) -> tuple[Text, ...]:
    groups: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for gap in line.missing:
        groups[gap.status, gap.reason][gap.task].append(gap.seed)
    parts: list[str | Text] = []
    for (status, reason), tasks in groups.items():
        where: list[str | Text] = []
        for task, seeds in tasks.items():
            which = "seed" if len(seeds) == 1 else "seeds"
            where += [", ", name(task), f" ({which} {', '.join(map(str, seeds))})"]
        parts += ["; ", f"{status} on ", *where[1:], f": {reason.rstrip('.')}" if reason else ""]
    done, planned = line.coverage
    return say(
        "Incomplete, without a rank: ", name(line.method), f" {done}/{planned}; ", *parts[1:], "."
    )
