"""What each method cost; compared only within one machine."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.records import CostFacts, RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.storage.rows import HOST, Row

# What changes from cell to cell without being another kind of machine.
_VOLATILE = frozenset(
    {"date", "time", "started", "finished", "created", "pid", "worker", "shard", HOST}
)


@dataclass(frozen=True)
class MethodCost:
    """The costs of one method on one machine: means over its done cells, the maximum for memory.

    What some cell does not have, such as a row of an earlier version, is a mean over the others;
    sums need all their parts in every cell.

    Attributes:
        machine: The environment of its rows, ``field=value`` joined by ``; ``.
        student_macs: Of one image through the network that is trained and judged.
        latency_ms: Of one image through it.
        teacher_macs: Of one image through all weighted sources.
        images_per_step: Only where the method declares it under this name.
        training_macs: Of training the student.
        teacher_pass_macs: Of the weighted sources over the images that are distilled on.
        teacher_training_macs: Of teaching sources the task.
        total_training_macs: The sum of these three.
        selection_macs: Of the scored sources over the probe; shared by all that score there, and
            therefore not in the sum.
        train_seconds: Of the student's training loop.
        data_seconds: Of these, how long the loop waited for batches.
        teacher_pass_seconds: When the passes were made; they are kept, and shared.
        total_training_seconds: The sum of the seconds of loop, passes and teaching.
        total_seconds: Of the cell: without passes that were kept, with the evaluation.
    """

    method: str
    machine: str
    cells: int
    parameters: float
    student_macs: float
    latency_ms: float | None
    teacher_macs: float | None
    images_per_step: float | None
    steps: float
    training_macs: float | None
    teacher_pass_macs: float | None
    teacher_training_macs: float | None
    total_training_macs: float | None
    selection_macs: float | None
    train_seconds: float
    data_seconds: float | None
    teacher_pass_seconds: float | None
    teacher_training_seconds: float | None
    total_training_seconds: float | None
    total_seconds: float
    peak_memory_mb: float | None


def machine_fields(row: RowRecord) -> list[tuple[str, Any]]:
    """All fields of a row's environment that last longer than a cell, but not whose machine it is.

    Nodes of a cluster that are alike count as one machine.
    """
    return sorted((k, v) for k, v in row.environment.items() if k not in _VOLATILE)


def machine_of(row: RowRecord) -> str:
    """The machine of a row, as text: ``field=value`` joined by ``; ``."""
    fields = machine_fields(row)
    shown = (f"{k}={v if isinstance(v, str) else json.dumps(v, sort_keys=True)}" for k, v in fields)
    return "; ".join(shown) or "unknown"


def pass_macs(cost: CostFacts) -> int | None:
    """Of the sources over the images that are distilled on; 0 for what has no sources."""
    return 0 if cost.teacher_macs == 0 else cost.teacher_pass_macs


def total_training_macs(cost: CostFacts) -> int | None:
    """Of training the student, passes and teaching of its sources included."""
    passes = pass_macs(cost)
    if cost.training_macs is None or passes is None:
        return None
    return cost.training_macs + passes + cost.teacher_training_macs


def _mean(values: Iterable[float | None]) -> float | None:
    present = [v for v in values if v is not None]
    return math.fsum(present) / len(present) if present else None


def _images(row: RowRecord) -> float | None:
    declared = row.result.declared.get("images_per_step") if row.result else None
    return float(declared) if isinstance(declared, (int, float)) else None


def method_costs(
    rows: Iterable[Row | RowRecord], *, methods: Sequence[str] = ()
) -> list[MethodCost]:
    """Costs of the done cells, by machine.

    Args:
        rows: In any order; a cell that comes twice counts once.
        methods: The order to list them in; methods that are not named follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[RowRecord, CostFacts]]] = defaultdict(list)
    machines: dict[int, str] = {}  # equal environments of one reader are one object
    for _, row in sorted(cells(as_records(rows)).items()):
        if row.status == "done" and row.cost is not None:
            machine = machines.setdefault(id(row.environment), "") or machine_of(row)
            machines[id(row.environment)] = machine
            groups[machine, row.method.id].append((row, row.cost))
    order = {method: i for i, method in enumerate(methods)}
    keys = sorted(groups, key=lambda k: (k[0], order.get(k[1], len(order)), k[1]))
    return [_cost(method, machine, groups[machine, method]) for machine, method in keys]


def _cell_costs(row: RowRecord, cost: CostFacts) -> dict[str, float | None]:
    """What a cell cost, under the names of `MethodCost`."""
    costs: dict[str, float | None] = cost._asdict()
    if cost.teacher_macs == 0:  # nothing was passed and none taught; earlier rows do not say so
        costs |= {"teacher_pass_seconds": 0.0, "teacher_training_seconds": 0.0}
    passes, teaching = costs["teacher_pass_seconds"], costs["teacher_training_seconds"]
    return costs | {
        "teacher_pass_macs": pass_macs(cost),
        "total_training_macs": total_training_macs(cost),
        "total_training_seconds": None
        if passes is None or teaching is None
        else cost.train_seconds + passes + teaching,
        "images_per_step": _images(row),
    }


def _cost(method: str, machine: str, group: Sequence[tuple[RowRecord, CostFacts]]) -> MethodCost:
    costs = [_cell_costs(row, cost) for row, cost in group]
    columns = {name: [of_cell[name] for of_cell in costs] for name in costs[0]}
    means: dict[str, Any] = {name: _mean(values) for name, values in columns.items()}
    for name in ("total_training_macs", "total_training_seconds"):
        if None in columns[name]:
            means[name] = None
    peaks = [peak for peak in columns["peak_memory_mb"] if peak is not None]
    means["peak_memory_mb"] = max(peaks, default=None)
    return MethodCost(method=method, machine=machine, cells=len(costs), **means)
