"""The leaderboard as data: who stands where, on what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from typing import Any

import numpy as np

from distbench.errors import UsageError
from distbench.leaderboard.rows.entries import (
    MEASURES,
    BoardEntry,
    Cell,
    Measure,
    Missing,
    cells,
    check_comparable,
    entry,
)
from distbench.leaderboard.rows.records import Role, RowRecord, as_records
from distbench.leaderboard.statistics import (
    LEVEL,
    Difference,
    Estimate,
    average_ranks,
    fixed_task_interval,
    holm,
    paired_t,
    tie_groups,
    win_rate,
)
from distbench.storage.rows import Row


@dataclass(frozen=True)
class Line:
    """One method of the leaderboard.

    Attributes:
        entries: One for each task, in the board's order.
        coverage: Done cells, and planned cells.
        mean: Over the tasks, each weight 1; None where the method is incomplete.
        delta: Difference to the baseline, paired by task and seed, over tasks.
        p_holm: Its p value, adjusted for all ranked methods that are compared.
        rank: First and last place of the tie group; only complete methods of role ranked have
            one, as they alone have `average_rank`.
        win_rate: Against the baseline, a draw counting half.
    """

    method: str
    role: Role
    entries: tuple[BoardEntry, ...]
    coverage: tuple[int, int]
    mean: Estimate | None = None
    delta: Difference | None = None
    p_holm: float | None = None
    rank: tuple[int, int] | None = None
    average_rank: float | None = None
    win_rate: float | None = None

    @property
    def complete(self) -> bool:
        """Whether every planned cell is done."""
        return self.coverage[0] == self.coverage[1]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """The planned cells that do not count."""
        return tuple(gap for entry in self.entries for gap in entry.missing)


@dataclass(frozen=True)
class Board:
    """A leaderboard: lines by falling mean, ranked ones first, incomplete ones last.

    Attributes:
        baseline: The method that `Line.delta` refers to; None where it is absent or incomplete.
        wanted_baseline: The method that was asked for as the baseline.
    """

    suite: str
    suite_version: int
    schema_version: int
    measure: Measure
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    baseline: str | None
    wanted_baseline: str
    lines: tuple[Line, ...]

    @property
    def best(self) -> Line | None:
        """The ranked line with the highest mean."""
        return next((line for line in self.lines if line.rank), None)

    def as_dict(self) -> dict[str, Any]:
        """Everything, as plain values that JSON can hold."""
        lines = [{"complete": line.complete, **asdict(line)} for line in self.lines]
        plain = asdict(replace(self, lines=()))
        del plain["lines"]
        return {**plain, "interval": f"two-sided {LEVEL:.0%} t interval", "methods": lines}


def build_board(
    rows: Iterable[Row | RowRecord],
    *,
    tasks: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    baseline: str = "finetune",
    measure: Measure = "accuracy",
) -> Board:
    """Builds the leaderboard of some rows; their order does not matter.

    Args:
        rows: Of one suite and protocol. Rows of other tasks or seeds than asked for are left out.
        tasks: The planned tasks, in order; default: all that occur, by name.
        seeds: The planned seeds; default: all that occur.
        baseline: The method that all others are compared with.
        measure: ``accuracy`` or ``balanced_accuracy``.

    Raises:
        UsageError: No rows, an unknown measure, or rows that cannot share a table.
    """
    if measure not in MEASURES:
        raise UsageError(f"unknown measure {measure!r}: choose {' or '.join(MEASURES)}.")
    some = [
        row
        for row in as_records(rows)
        if (tasks is None or row.task.id in tasks) and (seeds is None or row.seed in seeds)
    ]
    if not some:
        raise UsageError("no results to make a leaderboard of: run some cells first.")
    check_comparable(some)
    tasks = list(dict.fromkeys(tasks if tasks is not None else sorted({r.task.id for r in some})))
    seeds = sorted(set(seeds if seeds is not None else (r.seed for r in some)))
    chosen = cells(some)
    roles: dict[str, Role] = {row.method.id: row.method.role for row in some}
    lines = [_line(chosen, name, roles[name], tasks, seeds, measure) for name in sorted(roles)]
    base = next((line for line in lines if line.method == baseline and line.complete), None)
    if base is not None:
        lines = [_compare(line, base) for line in lines]
    return Board(
        suite=some[0].setting.suite,
        suite_version=some[0].setting.suite_version,
        schema_version=max(row.schema_version for row in some),
        measure=measure,
        tasks=tuple(tasks),
        seeds=tuple(seeds),
        baseline=base.method if base else None,
        wanted_baseline=baseline,
        lines=tuple(_order(lines)),
    )


def _line(
    chosen: Mapping[Cell, RowRecord],
    method: str,
    role: Role,
    tasks: Sequence[str],
    seeds: Sequence[int],
    measure: Measure,
) -> Line:
    entries = tuple(entry(chosen, method, task, seeds, measure) for task in tasks)
    done = sum(len(e.values) for e in entries)
    planned = len(tasks) * len(seeds)
    mean = fixed_task_interval([e.values for e in entries]) if done == planned else None
    return Line(method, role, entries, (done, planned), mean)


def _compare(line: Line, base: Line) -> Line:
    """Adds the difference to the baseline; both have the same seeds on the same tasks."""
    if not line.complete or line.method == base.method:
        return line
    ours, theirs = ([np.array(e.values) for e in side.entries] for side in (line, base))
    gaps = [float(np.mean(a - b)) for a, b in zip(ours, theirs, strict=True)]
    return replace(line, delta=paired_t(gaps), win_rate=win_rate(ours, theirs))


def _order(lines: Sequence[Line]) -> list[Line]:
    """Ranked, then controls and ceilings, then incomplete; by falling mean, then by name."""

    def falling(group: Iterable[Line]) -> list[Line]:
        return sorted(group, key=lambda x: (-round(x.mean.mean, 12) if x.mean else 0.0, x.method))

    whole = [line for line in lines if line.complete]
    ranked = falling(line for line in whole if line.role == "ranked")
    others = falling(line for line in whole if line.role != "ranked")
    broken = sorted(
        (line for line in lines if not line.complete), key=lambda x: (-x.coverage[0], x.method)
    )
    return [*_rank(ranked), *others, *broken]


def _rank(ranked: list[Line]) -> list[Line]:
    """Adds what depends on the other ranked methods: tie groups, average ranks, Holm."""
    if not ranked:
        return []
    table = np.array([[np.mean(e.values) for e in line.entries] for line in ranked])
    compared = [(x.method, x.delta.p) for x in ranked if x.delta is not None]
    adjusted = holm([nan if p is None else p for _, p in compared]).tolist()
    p_holm = {
        method: value
        for (method, p), value in zip(compared, adjusted, strict=True)
        if p is not None
    }
    return [
        replace(
            line,
            rank=rank,
            average_rank=float(average),
            p_holm=p_holm.get(line.method),
        )
        for line, rank, average in zip(ranked, tie_groups(table), average_ranks(table), strict=True)
    ]
