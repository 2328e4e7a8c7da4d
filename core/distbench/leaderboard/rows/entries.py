"""From rows to entries: which cells count, what is missing, and whether the rows go together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import UsageError
from distbench.leaderboard.rows.measures import MeasureFacts
from distbench.leaderboard.rows.records import CellResult, RowRecord
from distbench.leaderboard.statistics import (
    Estimate,
    Hits,
    accuracy_interval,
    block_interval,
    mean_interval,
)

Cell = tuple[str, str, int]
"""Method, task and seed."""


@dataclass(frozen=True)
class Missing:
    """A planned cell that does not count, and why."""

    task: str
    seed: int
    status: str
    reason: str


@dataclass(frozen=True)
class BoardEntry:
    """One method on one task over its seeds.

    `values` are in the order of `seeds` and hold done cells only; `estimate` is None where a
    planned seed is missing. Its interval is over seeds and test images where `of_images`, else over
    seeds alone.
    """

    method: str
    task: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    missing: tuple[Missing, ...]
    estimate: Estimate | None
    of_images: bool = False


def _names(rows: Sequence[RowRecord], limit: int = 3) -> str:
    names = sorted({row.method.id for row in rows})
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _refuse_different(
    rows: Sequence[RowRecord], what: str, value: Callable[[RowRecord], Hashable]
) -> None:
    groups: dict[Hashable, list[RowRecord]] = defaultdict(list)
    for row in rows:
        groups[value(row)].append(row)
    if len(groups) > 1:
        parts = sorted(
            f"{key} in {len(g)} {'row' if len(g) == 1 else 'rows'} ({_names(g)})"
            for key, g in groups.items()
        )
        raise UsageError(
            f"these results cannot share a table: {what} is {' but '.join(parts)}. "
            "Make one table for each."
        )


def _refuse_mapping(
    rows: Sequence[RowRecord], what: str, get: Callable[[RowRecord], Mapping[str, Any]]
) -> None:
    distinct = list({id(get(row)): get(row) for row in rows}.values())
    if len(distinct) < 2:  # equal ones of one reader are one object
        return
    for field in sorted({name for one in distinct for name in one}):
        if all(one.get(field, ...) == distinct[0].get(field, ...) for one in distinct):
            continue

        def value(row: RowRecord, field: str = field) -> str:
            return json.dumps(get(row).get(field), sort_keys=True, ensure_ascii=False)

        _refuse_different(rows, f"{what}.{field}", value)


def check_comparable(rows: Sequence[RowRecord]) -> None:
    """Refuses rows that were not made under one protocol on the same data.

    Suite, versions, student, zoo and data must be the same, and so must each method's components.
    The protocol's ``seeds`` may differ: a run that adds seeds adds to the table. So may the row
    schema, which is only how a row is written down.

    Raises:
        UsageError: Names what differs, both values, and the methods concerned.
    """
    _refuse_different(rows, "the suite", lambda row: row.setting.suite)
    _refuse_different(rows, "the suite version", lambda row: row.setting.suite_version)
    _refuse_mapping(rows, "protocol", lambda row: row.setting.protocol)
    _refuse_mapping(rows, "student", lambda row: row.setting.student)
    _refuse_different([r for r in rows if r.zoo is not None], "the zoo", lambda row: row.zoo)
    by_task, by_method = defaultdict(list), defaultdict(list)
    for row in rows:
        by_task[row.task.id].append(row)
        by_method[row.method.id].append(row)
    for task, group in sorted(by_task.items()):
        _refuse_different(group, f"the data of task {task!r}", lambda row: row.task.fingerprint)
        _refuse_different(group, f"flip of task {task!r}", lambda row: row.task.flip)
        _refuse_different(group, f"the group of task {task!r}", lambda row: row.task.group)
    for method, group in sorted(by_method.items()):
        _refuse_different(group, f"the role of {method!r}", lambda row: row.method.role)
        _refuse_mapping(group, method, lambda row: row.method.components)


def _precedence(row: RowRecord) -> tuple[object, ...]:
    """Done before others, and an order that does not depend on that of the files."""
    spent = tuple(-1.0 if v is None else float(v) for v in row.cost or ())
    environment = json.dumps(row.environment, sort_keys=True)
    told = row.status != "done", row.status, row.reason or "", row.key
    return (*told, spent, environment, row.origin)


def cells(rows: Iterable[RowRecord]) -> dict[Cell, RowRecord]:
    """One row a cell: done before others; which of several copies never depends on their order.

    Raises:
        UsageError: Two done rows of one cell hold different results.
    """
    chosen: dict[Cell, RowRecord] = {}
    copies: dict[Cell, list[RowRecord]] = {}
    for row in rows:
        cell = (row.method.id, row.task.id, row.seed)
        if chosen.setdefault(cell, row) is not row:
            copies.setdefault(cell, [chosen[cell]]).append(row)
    for cell, group in copies.items():
        first, *others = sorted(group, key=_precedence)
        chosen[cell] = first
        for other in others:
            if other.result and first.result and not other.result.same(first.result):
                raise UsageError(
                    f"two different results for {cell[0]} on {cell[1]} with seed {cell[2]} "
                    f"(keys {first.key[:12]} and {other.key[:12]}). Keep one of them."
                )
    return chosen


def entry(
    chosen: Mapping[Cell, RowRecord],
    method: str,
    task: str,
    seeds: Sequence[int],
    measure: MeasureFacts,
) -> BoardEntry:
    """The entry of a method on a task: its done cells, and the reason for each that is missing.

    Args:
        chosen: One row a cell.
        method: Whose entry.
        task: On which task.
        seeds: The planned ones.
        measure: What counts; a cell of which it says nothing is missing.
    """
    done: list[int] = []
    values: list[float] = []
    results: list[CellResult] = []
    missing = []
    for seed in seeds:
        row = chosen.get((method, task, seed))
        if row is None:
            missing.append(Missing(task, seed, "not run", ""))
        elif row.status != "done" or row.result is None:
            missing.append(Missing(task, seed, row.status, row.reason or "no reason given"))
        elif (judged := row.result.by(measure)).value is None:
            missing.append(Missing(task, seed, f"no {measure.title}", judged.reason))
        else:
            done.append(seed)
            values.append(judged.value)
            results.append(row.result)
    estimate, of_images = None, False
    if values and not missing:
        hits, blocks = hits_of(results, measure), blocks_of(results, measure)
        of_images = hits is not None or blocks is not None
        estimate = (
            accuracy_interval(hits)
            if hits is not None
            else mean_interval(values)
            if blocks is None
            else block_interval(blocks)
        )
    return BoardEntry(method, task, tuple(done), tuple(values), tuple(missing), estimate, of_images)


def hits_of(results: Sequence[CellResult], measure: MeasureFacts) -> Hits | None:
    """Which test images count (s, n), by s results of one method on one task.

    None where the measure is no share of images, where that is not known of all of them, or where
    they were tested on different numbers of images.
    """
    counts = {result.parts.test for result in results}
    packed = [result.by(measure).hits for result in results]
    if len(counts) != 1 or any(hits is None for hits in packed):
        return None
    rows = [np.frombuffer(hits or b"", dtype=np.uint8) for hits in packed]
    return np.unpackbits(np.array(rows), axis=1, count=counts.pop()).astype(np.bool_)


def blocks_of(results: Sequence[CellResult], measure: MeasureFacts) -> NDArray[np.float64] | None:
    """Pseudo-values (s, g) of blocks of test images; None where not all have the same blocks."""
    blocks = [result.by(measure).blocks for result in results]
    tested = {result.parts.test for result in results}
    if len(tested) != 1 or len({len(own) for own in blocks}) != 1 or not blocks[0]:
        return None
    return np.array(blocks)
