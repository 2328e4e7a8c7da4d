"""From rows to entries: which cells count, what is missing, and whether the rows go together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from distbench.errors import UsageError
from distbench.leaderboard.statistics import Estimate, mean_interval
from distbench.results import Row

Measure = Literal["accuracy", "balanced_accuracy"]
MEASURES: tuple[Measure, ...] = ("accuracy", "balanced_accuracy")

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
class Entry:
    """One method on one task over its seeds.

    `values` are in the order of `seeds` and hold done cells only; `estimate` is None where a
    planned seed is missing.
    """

    method: str
    task: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    missing: tuple[Missing, ...]
    estimate: Estimate | None


def _names(rows: Sequence[Row], limit: int = 3) -> str:
    names = sorted({row.method.id for row in rows})
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _refuse_different(rows: Sequence[Row], what: str, value: Callable[[Row], Hashable]) -> None:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
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
    rows: Sequence[Row], what: str, get: Callable[[Row], Mapping[str, Any]]
) -> None:
    for field in sorted({name for row in rows for name in get(row)}):

        def value(row: Row, field: str = field) -> str:
            return json.dumps(get(row).get(field), sort_keys=True, ensure_ascii=False)

        _refuse_different(rows, f"{what}.{field}", value)


def check_comparable(rows: Sequence[Row]) -> None:
    """Refuses rows that were not made under one protocol on the same data.

    Suite, versions, student, zoo and data must be the same, and so must each method's components.
    The protocol's ``seeds`` may differ: a run that adds seeds adds to the table.

    Raises:
        UsageError: Names what differs, both values, and the methods concerned.
    """
    _refuse_different(rows, "the row schema", lambda row: row.schema_version)
    _refuse_different(rows, "the suite", lambda row: row.suite)
    _refuse_different(rows, "the suite version", lambda row: row.suite_version)
    _refuse_mapping(
        rows, "protocol", lambda row: {k: v for k, v in row.protocol.items() if k != "seeds"}
    )
    _refuse_mapping(rows, "student", lambda row: row.student)
    _refuse_different([r for r in rows if r.zoo is not None], "the zoo", lambda row: row.zoo)
    by_task, by_method = defaultdict(list), defaultdict(list)
    for row in rows:
        by_task[row.task.id].append(row)
        by_method[row.method.id].append(row)
    for task, group in sorted(by_task.items()):
        _refuse_different(group, f"the data of task {task!r}", lambda row: row.task.fingerprint)
    for method, group in sorted(by_method.items()):
        _refuse_different(group, f"the role of {method!r}", lambda row: row.method.role)
        _refuse_mapping(group, method, lambda row: row.method.components)


def cells(rows: Iterable[Row]) -> dict[Cell, Row]:
    """One row a cell: done before others; which of several copies never depends on their order.

    Raises:
        UsageError: Two done rows of one cell hold different results.
    """
    copies: dict[Cell, list[Row]] = defaultdict(list)
    for row in rows:
        copies[row.method.id, row.task.id, row.seed].append(row)
    chosen: dict[Cell, Row] = {}
    for cell, group in copies.items():
        first, *others = group
        if others:
            first, *others = sorted(group, key=lambda r: (r.status != "done", r.model_dump_json()))
        chosen[cell] = first
        for other in others:
            if other.status == "done" and other.result != first.result:
                raise UsageError(
                    f"two different results for {cell[0]} on {cell[1]} with seed {cell[2]} "
                    f"(keys {first.key[:12]} and {other.key[:12]}). Keep one of them."
                )
    return chosen


def entry(
    chosen: Mapping[Cell, Row], method: str, task: str, seeds: Sequence[int], measure: Measure
) -> Entry:
    """The entry of a method on a task: its done cells, and the reason for each that is missing."""
    done, values, missing = [], [], []
    for seed in seeds:
        row = chosen.get((method, task, seed))
        if row is not None and row.status == "done" and row.result is not None:
            done.append(seed)
            values.append(float(getattr(row.result, measure)))
        elif row is None:
            missing.append(Missing(task, seed, "not run", ""))
        else:
            missing.append(Missing(task, seed, row.status, row.reason or "no reason given"))
    whole = bool(values) and not missing
    return Entry(
        method,
        task,
        tuple(done),
        tuple(values),
        tuple(missing),
        mean_interval(values) if whole else None,
    )
