"""What each method cost; compared only within one machine."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from distbench.leaderboard import text
from distbench.leaderboard.entries import cells
from distbench.leaderboard.text import Text, TextTable, name, number, say
from distbench.results import CostBlock, Row

# What changes from cell to cell without being another machine.
_VOLATILE = frozenset({"date", "time", "started", "finished", "created", "pid", "worker", "shard"})

COLUMNS = (
    "method",
    "machine",
    "cells",
    "parameters",
    "student_macs",
    "teacher_macs",
    "training_macs",
    "images_per_step",
    "steps",
    "train_seconds",
    "total_seconds",
    "peak_memory_mb",
)


_HEADS = (
    "method",
    "cells",
    "parameters",
    "student MACs",
    "teacher MACs",
    "images/step",
    "steps",
    "train s",
    "total s",
    "peak MB",
)


@dataclass(frozen=True)
class Cost:
    """The costs of one method on one machine: means over its done cells, the maximum for memory.

    Attributes:
        machine: The environment of its rows, ``field=value`` joined by ``; ``.
        teacher_macs: Of one image through all weighted sources; mean over the cells that have it.
        images_per_step: Only where the method declares it under this name.
    """

    method: str
    machine: str
    cells: int
    parameters: float
    student_macs: float
    teacher_macs: float | None
    training_macs: float | None
    images_per_step: float | None
    steps: float
    train_seconds: float
    total_seconds: float
    peak_memory_mb: float


def machine_of(row: Row) -> str:
    """The machine of a row: all fields of its environment that last longer than a cell."""
    fields = sorted((k, v) for k, v in row.environment.items() if k not in _VOLATILE)
    shown = (f"{k}={v if isinstance(v, str) else json.dumps(v, sort_keys=True)}" for k, v in fields)
    return "; ".join(shown) or "unknown"


def _mean(values: Iterable[float | int | None]) -> float | None:
    present = [float(v) for v in values if v is not None]
    return float(np.mean(present)) if present else None


def _images(row: Row) -> float | None:
    declared = row.result.declared.get("images_per_step") if row.result else None
    return float(declared) if isinstance(declared, (int, float)) else None


def costs(rows: Iterable[Row], *, methods: Sequence[str] = ()) -> list[Cost]:
    """Costs of the done cells, by machine.

    Args:
        rows: In any order; a cell that comes twice counts once.
        methods: The order to list them in; methods that are not named follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[Row, CostBlock]]] = defaultdict(list)
    for _, row in sorted(cells(rows).items()):
        if row.status == "done" and row.cost is not None:
            groups[machine_of(row), row.method.id].append((row, row.cost))
    place = {method: i for i, method in enumerate(methods)}
    keys = sorted(groups, key=lambda k: (k[0], place.get(k[1], len(place)), k[1]))
    return [_cost(method, machine, groups[machine, method]) for machine, method in keys]


def _cost(method: str, machine: str, group: Sequence[tuple[Row, CostBlock]]) -> Cost:
    blocks = [cost for _, cost in group]
    return Cost(
        method=method,
        machine=machine,
        cells=len(blocks),
        parameters=float(np.mean([c.parameters for c in blocks])),
        student_macs=float(np.mean([c.student_macs for c in blocks])),
        teacher_macs=_mean(c.teacher_macs for c in blocks),
        training_macs=_mean(c.training_macs for c in blocks),
        images_per_step=_mean(_images(row) for row, _ in group),
        steps=float(np.mean([c.steps for c in blocks])),
        train_seconds=float(np.mean([c.train_seconds for c in blocks])),
        total_seconds=float(np.mean([c.total_seconds for c in blocks])),
        peak_memory_mb=max(c.peak_memory_mb for c in blocks),
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
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
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
            _size(line.teacher_macs),
            number(line.images_per_step, "{:.4g}"),
            number(line.steps, "{:.10g}"),
            number(line.train_seconds, "{:.1f}"),
            number(line.total_seconds, "{:.1f}"),
            number(line.peak_memory_mb, "{:.0f}"),
        )
        for line in lines
    )
    header = tuple(Text(h, kind="text") for h in ((["machine"] if many else []) + list(_HEADS)))
    notes = [say("Means over the done cells, memory: the maximum; MACs of one image.")]
    if many:
        notes.append(say("Seconds and memory of different machines cannot be compared."))
    notes += [
        say(f"Machine{f' {i}' if many else ''}: {m}.") for i, m in enumerate(machines, start=1)
    ]
    return TextTable(header, body, tuple(notes), left=(1,) if many else (0,))


def terminal(lines: Sequence[Cost], *, width: int = text.WIDTH) -> str:
    """The costs as plain text."""
    return text.terminal(table(lines), width=width)
