"""What each method cost; compared only within one machine."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from distbench.leaderboard import text_table as text
from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.records import CostFacts, Record, as_records
from distbench.leaderboard.text_table import Text, TextTable, name, number, say
from distbench.storage.rows import Row

# What changes from cell to cell without being another machine.
_VOLATILE = frozenset({"date", "time", "started", "finished", "created", "pid", "worker", "shard"})


COLUMNS = (
    "method",
    "machine",
    "cells",
    "parameters",
    "student_macs",
    "latency_ms",
    "teacher_macs",
    "images_per_step",
    "steps",
    "training_macs",
    "teacher_pass_macs",
    "teacher_training_macs",
    "total_training_macs",
    "selection_macs",
    "train_seconds",
    "teacher_pass_seconds",
    "teacher_training_seconds",
    "total_training_seconds",
    "total_seconds",
    "peak_memory_mb",
)


_HEADS = (
    ("method", ""),
    ("cells", ""),
    ("student", "weights"),
    ("student", "MACs"),
    ("latency", "ms"),
    ("teacher", "MACs"),
    ("images", "/step"),
    ("steps", ""),
    ("student", "training"),
    ("teacher", "passes"),
    ("teacher", "training"),
    ("MACs", "in all"),
    ("selec-", "tion"),
    ("training", "s"),
    ("s", "in all"),
    ("cell", "s"),
    ("peak", "MB"),
)


@dataclass(frozen=True)
class Cost:
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
    teacher_pass_seconds: float | None
    teacher_training_seconds: float | None
    total_training_seconds: float | None
    total_seconds: float
    peak_memory_mb: float | None


def machine_of(row: Record) -> str:
    """The machine of a row: all fields of its environment that last longer than a cell."""
    fields = sorted((k, v) for k, v in row.environment.items() if k not in _VOLATILE)
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


def _pass_seconds(cost: CostFacts) -> float | None:
    return 0.0 if cost.teacher_macs == 0 else cost.teacher_pass_seconds


def _total_seconds(cost: CostFacts) -> float | None:
    passes, teaching = _pass_seconds(cost), _teaching_seconds(cost)
    if passes is None or teaching is None:
        return None
    return cost.train_seconds + passes + teaching


def _teaching_seconds(cost: CostFacts) -> float | None:
    # Earlier rows do not have it; what has no sources taught none.
    return 0.0 if cost.teacher_macs == 0 else cost.teacher_training_seconds


def _mean(values: Iterable[float | int | None], *, all_of_them: bool = False) -> float | None:
    values = list(values)
    present = [v for v in values if v is not None]
    if not present or (all_of_them and len(present) < len(values)):
        return None
    return math.fsum(present) / len(present)


def _images(row: Record) -> float | None:
    declared = row.result.declared.get("images_per_step") if row.result else None
    return float(declared) if isinstance(declared, (int, float)) else None


def costs(rows: Iterable[Row | Record], *, methods: Sequence[str] = ()) -> list[Cost]:
    """Costs of the done cells, by machine.

    Args:
        rows: In any order; a cell that comes twice counts once.
        methods: The order to list them in; methods that are not named follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[Record, CostFacts]]] = defaultdict(list)
    machines: dict[int, str] = {}  # equal environments of one reader are one object
    for _, row in sorted(cells(as_records(rows)).items()):
        if row.status == "done" and row.cost is not None:
            machine = machines.setdefault(id(row.environment), "") or machine_of(row)
            machines[id(row.environment)] = machine
            groups[machine, row.method.id].append((row, row.cost))
    place = {method: i for i, method in enumerate(methods)}
    keys = sorted(groups, key=lambda k: (k[0], place.get(k[1], len(place)), k[1]))
    return [_cost(method, machine, groups[machine, method]) for machine, method in keys]


def _cost(method: str, machine: str, group: Sequence[tuple[Record, CostFacts]]) -> Cost:
    blocks = [cost for _, cost in group]
    return Cost(
        method=method,
        machine=machine,
        cells=len(blocks),
        parameters=math.fsum(c.parameters for c in blocks) / len(blocks),
        student_macs=math.fsum(c.student_macs for c in blocks) / len(blocks),
        latency_ms=_mean(c.latency_ms for c in blocks),
        teacher_macs=_mean(c.teacher_macs for c in blocks),
        images_per_step=_mean(_images(row) for row, _ in group),
        steps=math.fsum(c.steps for c in blocks) / len(blocks),
        training_macs=_mean(c.training_macs for c in blocks),
        teacher_pass_macs=_mean(pass_macs(c) for c in blocks),
        teacher_training_macs=_mean(c.teacher_training_macs for c in blocks),
        total_training_macs=_mean((total_training_macs(c) for c in blocks), all_of_them=True),
        selection_macs=_mean(c.selection_macs for c in blocks),
        train_seconds=math.fsum(c.train_seconds for c in blocks) / len(blocks),
        teacher_pass_seconds=_mean(_pass_seconds(c) for c in blocks),
        teacher_training_seconds=_mean(_teaching_seconds(c) for c in blocks),
        total_training_seconds=_mean((_total_seconds(c) for c in blocks), all_of_them=True),
        total_seconds=math.fsum(c.total_seconds for c in blocks) / len(blocks),
        peak_memory_mb=max(
            (c.peak_memory_mb for c in blocks if c.peak_memory_mb is not None), default=None
        ),
    )


def csv_text(lines: Sequence[Cost]) -> str:
    """`COLUMNS` as CSV, a row a method and machine; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        values = (getattr(line, column) for column in COLUMNS)
        writer.writerow([f"{v:.10g}" if isinstance(v, float) else v for v in values])
    return out.getvalue()


def _size(value: float | None) -> Text:
    """A count with its unit: 12.3 M."""
    for unit, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value is not None and value >= factor:
            return Text(f"{value / factor:.3g} {unit}")
    return number(value, "{:.3g}")


def table(lines: Sequence[Cost]) -> TextTable:
    """The costs as a table; machines are numbered and named below it."""
    machines = list(dict.fromkeys(line.machine for line in lines))
    many = len(machines) > 1
    body = tuple(
        (
            *([number(machines.index(line.machine) + 1, "{}")] if many else []),
            name(line.method),
            number(line.cells, "{}"),
            _size(line.parameters),
            _size(line.student_macs),
            number(line.latency_ms, "{:.3g}"),
            _size(line.teacher_macs),
            number(line.images_per_step, "{:.4g}"),
            number(line.steps, "{:.10g}"),
            _size(line.training_macs),
            _size(line.teacher_pass_macs),
            _size(line.teacher_training_macs),
            _size(line.total_training_macs),
            _size(line.selection_macs),
            number(line.train_seconds, "{:.1f}"),
            number(line.total_training_seconds, "{:.1f}"),
            number(line.total_seconds, "{:.1f}"),
            number(line.peak_memory_mb, "{:.0f}"),
        )
        for line in lines
    )
    header = tuple(Text(*head, kind="text") for head in ((("machine", ""),) * many + _HEADS))
    notes = [
        say("Means over the done cells, memory: the maximum. Student and teacher MACs: one image."),
        say(
            "Training in MACs: the student, the passes of its sources over what is distilled on, "
            "their teaching, all three in all. Selection, the passes of scored sources over the "
            "probe, is shared by all methods that score, and apart."
        ),
        say(
            "Seconds: the training loop; with passes and teaching in all; the cell, which finds "
            "passes made but judges the student."
        ),
    ]
    if many:
        notes.append(say("Seconds and memory of different machines cannot be compared."))
    notes += [
        say(f"Machine{f' {i}' if many else ''}: {m}.") for i, m in enumerate(machines, start=1)
    ]
    return TextTable(header, body, tuple(notes), left=(1,) if many else (0,))


def terminal(lines: Sequence[Cost], *, width: int = text.WIDTH) -> str:
    """The costs as plain text."""
    return text.terminal(table(lines), width=width)


def plain(lines: Sequence[Cost]) -> list[dict[str, Any]]:
    """The costs as values that JSON can hold."""
    return [dict(vars(line)) for line in lines]
