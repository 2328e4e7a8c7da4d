"""The leaderboard as data: who stands where, on what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from typing import Any

import numpy as np

from distbench.errors import UsageError
from distbench.leaderboard.analysis.comparison import all_pairs
from distbench.leaderboard.analysis.lines import Line, LineMaker
from distbench.leaderboard.rows.entries import Cell, cells, check_comparable
from distbench.leaderboard.rows.measures import (
    ACCURACY,
    IN_ROWS,
    MeasureFacts,
    given_measure,
    refuse_mixed,
)
from distbench.leaderboard.rows.records import CellResult, RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.statistics import (
    LEVEL,
    average_ranks,
    holm,
    over_groups,
    rank_sets,
    surely_ahead,
)
from distbench.storage.frames import Tabular
from distbench.storage.rows import Row

MOST_PAIRS = 100
"""Ranked methods above which a board holds no matrix of all pairs."""


@dataclass(frozen=True)
class Pairs:
    """Every ranked method against every other.

    Attributes:
        methods: Their names, in the order of rows and columns.
        gaps: Mean difference, the row's method less the column's; None where there is none. Of a
            measure for which less is better the lower method is ahead.
        p_holm: Its p value, adjusted for all pairs (Holm); None where nothing can be told.
    """

    methods: tuple[str, ...]
    gaps: tuple[tuple[float | None, ...], ...]
    p_holm: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, repr=False)
class Board(Tabular):
    """A leaderboard: the best mean first, ranked lines first, incomplete ones last.

    Attributes:
        measures: What counts on each task; all in one unit, and the same way better.
        groups: The group of each task; tasks of one group share data and count as one.
        baseline: The method that `Line.delta` refers to; None where it is absent or incomplete.
        wanted_baseline: The method that was asked for as the baseline.
        pairs: None where there are more than `MOST_PAIRS` ranked methods.
        untuned: Methods whose parameters nobody chose for this suite.
    """

    suite: str
    suite_version: int
    schema_version: int
    measures: tuple[MeasureFacts, ...]
    tasks: tuple[str, ...]
    groups: tuple[str, ...]
    seeds: tuple[int, ...]
    baseline: str | None
    wanted_baseline: str
    lines: tuple[Line, ...]
    pairs: Pairs | None = None
    untuned: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """What counts, as one types it; of several their names."""
        return ", ".join(dict.fromkeys(one.name for one in self.measures))

    @property
    def measure_title(self) -> str:
        """What counts, in words."""
        return ", ".join(dict.fromkeys(one.title for one in self.measures))

    @property
    def measure_head(self) -> str:
        """The same as a heading begins."""
        return self.measure_title[:1].upper() + self.measure_title[1:]

    @property
    def percent(self) -> bool:
        """Whether values are shares that are shown as percent."""
        return self.measures[0].percent

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return self.measures[0].sign

    @property
    def best(self) -> Line | None:
        """The ranked line with the best mean."""
        return next((line for line in self.lines if line.rank), None)

    def records(self) -> Iterator[dict[str, Any]]:
        """A line for each method: its ranks, its measure by task and in the mean (shares 0..1)."""
        for line in self.lines:
            first, last = line.rank or (None, None)
            reached = {e.task: e.estimate and e.estimate.mean for e in line.entries}
            yield {
                "method": line.method,
                "role": line.role,
                "first_rank": first,
                "last_rank": last,
                **reached,
                "mean": None if line.mean is None else line.mean.mean,
                "half": None if line.mean is None else line.mean.half,
                "difference": None if line.delta is None else line.delta.mean,
                "difference_half": None if line.delta is None else line.delta.half,
                "p_holm": line.p_holm,
                "evidence": line.evidence,
            }

    def as_dict(self) -> dict[str, Any]:
        """Everything, as plain values that JSON can hold."""
        lines = [{"complete": line.complete, **asdict(line)} for line in self.lines]
        plain: dict[str, Any] = {}
        for key, value in asdict(replace(self, lines=())).items():
            if key == "measures":
                plain["measure"] = self.measure
                if self.measure not in IN_ROWS:
                    plain["measures"] = value
            elif key != "lines":
                plain[key] = value
        return {**plain, "interval": f"two-sided {LEVEL:.0%} interval", "methods": lines}


def build_board(
    rows: Iterable[Row | RowRecord],
    *,
    tasks: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    baseline: str = "finetune",
    measure: str | MeasureFacts | None = None,
    planned: Mapping[str, Iterable[tuple[str, int]]] | None = None,
    own_baseline: Mapping[Cell, str] | None = None,
) -> Board:
    """Builds the leaderboard of some rows; their order does not matter.

    Args:
        rows: Of one suite and protocol. Rows of other tasks or seeds than asked for are left out.
        tasks: The planned tasks, in order; default: all that occur, by name.
        seeds: The planned seeds; default: all that occur.
        baseline: The method that all others are compared with.
        measure: What counts on all tasks, by name if rows hold it; each task's own if None.
        planned: The tasks and seeds that a method was planned for, where not all of them.
        own_baseline: The line that a cell is compared with, where it is not the baseline's own.

    Raises:
        UsageError: No rows, an unknown measure, rows that cannot share a table, or tasks whose
            measures have no common mean.
    """
    common = given_measure(measure)
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
    group = {row.task.id: row.task.group for row in some}
    measures = task_measures(some, tasks, common)
    maker = LineMaker(cells(some), tasks, [group.get(t, t) for t in tasks], measures)
    of_method = {row.method.id: row.method for row in some}
    whole = [(task, seed) for task in tasks for seed in seeds]
    lines = [
        maker.line(name, method.role, method.again, (planned or {}).get(name, whole))
        for name, method in sorted(of_method.items())
    ]
    base = next((line for line in lines if line.method == baseline and line.complete), None)
    if base is not None:
        lines = [maker.compared(line, baseline, own_baseline or {}) for line in lines]
    ranked, others = _in_order(lines, measures[0].sign)
    ranked, pairs = _ranked(maker, ranked)
    return Board(
        suite=some[0].setting.suite,
        suite_version=some[0].setting.suite_version,
        schema_version=max(row.schema_version for row in some),
        measures=tuple(measures),
        tasks=tuple(tasks),
        groups=tuple(maker.groups),
        seeds=tuple(seeds),
        baseline=base.method if base else None,
        wanted_baseline=baseline,
        lines=(*ranked, *others),
        pairs=pairs,
        untuned=tuple(sorted({r.method.id for r in some if r.result and _untuned(r.result)})),
    )


def task_measures(
    rows: Iterable[RowRecord], tasks: Sequence[str], common: MeasureFacts | None
) -> list[MeasureFacts]:
    """What counts on each task: what was asked for, else its own measure.

    Args:
        rows: Of one board.
        tasks: Those of the board.
        common: What was asked for.

    Raises:
        UsageError: Rows name different measures of one task, or there is no mean over those of
            several.
    """
    own: dict[str, MeasureFacts] = {}
    for row in () if common else rows:
        if own.setdefault(row.task.id, row.task.measure) != row.task.measure:
            names = sorted({own[row.task.id].name, row.task.measure.name})
            raise UsageError(
                f"these results name different measures of task {row.task.id!r}: "
                f"{' and '.join(names)}; choose one with --measure"
            )
    measures = [common or own.get(task, ACCURACY) for task in tasks]
    refuse_mixed(tasks, measures)
    return measures


def _untuned(result: CellResult) -> bool:
    return bool(result.declared.get("untuned"))


def _ranked(maker: LineMaker, lines: Sequence[Line]) -> tuple[list[Line], Pairs | None]:
    """Adds what depends on the other ranked methods: rank sets, average ranks, Holm."""
    if not lines:
        return [], None
    reached = [maker.reached(line) for line in lines]
    gaps, p = all_pairs(reached, maker.groups, maker.measures)
    table = np.array([[np.mean(e.values) for e in line.entries] for line in lines])
    sign = maker.measures[0].sign
    averages = average_ranks(sign * over_groups(table, maker.groups))
    compared = [(x.method, x.delta.p) for x in lines if x.delta is not None]
    adjusted = holm([nan if p is None else p for _, p in compared]).tolist()
    p_holm = {
        method: value
        for (method, p), value in zip(compared, adjusted, strict=True)
        if p is not None
    }
    ahead = surely_ahead(sign * gaps, p)
    placed = [
        replace(
            line,
            rank=rank,
            behind=worse,
            average_rank=float(average),
            p_holm=p_holm.get(line.method),
        )
        for line, rank, worse, average in zip(
            lines, rank_sets(ahead), (ahead[0] > 0).tolist(), averages, strict=True
        )
    ]
    if not 1 < len(lines) <= MOST_PAIRS:
        return placed, None
    upper = np.triu_indices(len(lines), 1)
    whole = np.full_like(p, np.nan)
    whole[upper] = holm(p[upper])
    whole = np.fmax(whole, whole.T)
    return placed, Pairs(tuple(x.method for x in lines), _plain(gaps), _plain(whole))


def _plain(values: Any) -> tuple[tuple[float | None, ...], ...]:
    """A matrix as values that JSON can hold."""
    return tuple(tuple(None if v != v else v for v in row) for row in values.tolist())


def _in_order(lines: Sequence[Line], sign: int) -> tuple[list[Line], list[Line]]:
    """Lines to be ranked, the best mean first; then controls and ceilings, repeated, incomplete."""

    def falling(group: Iterable[Line]) -> list[Line]:
        return sorted(
            group, key=lambda x: (-sign * round(x.mean.mean, 12) if x.mean else 0.0, x.method)
        )

    whole = [line for line in lines if line.complete]
    ranked = falling(line for line in whole if line.role == "ranked" and not line.again)
    others = falling(line for line in whole if line.role != "ranked" and not line.again)
    again = sorted((line for line in whole if line.again), key=lambda x: x.method)
    broken = sorted(
        (line for line in lines if not line.complete), key=lambda x: (-x.coverage[0], x.method)
    )
    return ranked, [*others, *again, *broken]
