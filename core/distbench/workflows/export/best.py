"""Which students a run ships: of each task the one that is best on validation images."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from distbench.engine.records.ledger import Ledger
from distbench.errors import DistbenchError
from distbench.interfaces.progress import silent
from distbench.interfaces.reporter import Cell
from distbench.storage.rows import Row
from distbench.workflows.export.folder import is_shipped


def best_on_validation(rows: Sequence[Row]) -> dict[str, Row]:
    """The row of the best student by task, as validation images say; the first of equal ones."""
    best: dict[str, tuple[float, Row]] = {}
    for row in rows:
        value = _validation(row)
        if value is not None and (row.task.id not in best or value > best[row.task.id][0]):
            best[row.task.id] = value, row
    return {task: row for task, (_, row) in best.items()}


def chosen(row: Row, rows: Sequence[Row]) -> str:
    """Which student was chosen, how good it is, and why it is not the first on test images.

    Args:
        row: Its row.
        rows: Those of the run.
    """
    students = [
        other for other in rows if other.task.id == row.task.id and _validation(other) is not None
    ]
    first = max(students, key=_test)
    if _test(first) <= _test(row):
        return _described(row)
    return (
        f"{_described(row)}. On test images {_described(first)} is ahead, but students are "
        "chosen on validation images: chosen on test, its accuracy there would say too much"
    )


def sources_ahead(best: Row, rows: Sequence[Row]) -> str:
    """Of a task, the source that is better itself than the best student; empty where none is.

    Args:
        best: The row of the student.
        rows: Those of the run.
    """
    trained = [
        row
        for row in rows
        if row.task.id == best.task.id
        and row.result is not None
        and row.result.declared.get("trained_source")
        and row.result.validation_accuracy is not None
    ]
    first = max(trained, key=_on_validation, default=None)
    if first is None or _on_validation(first) <= _on_validation(best):
        return ""
    cell = f"{first.task.id}:{first.method.id}:{first.seed}"
    source = first.result.declared["trained_source"] if first.result else ""
    return (
        f"The source {source} itself is ahead: {_described(first)}{_dearer(first, best)}. Where it "
        f"may be that large, ship it: distbench export {shlex.quote(cell)} --to onnx"
    )


def ship_best(
    ledger: Ledger, rows: Sequence[Row], folder: Path
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Ships for every task the student that is best on validation, never on test.

    Args:
        ledger: The rows of the run's plan, and the students that were kept.
        rows: The rows of the run.
        folder: The run's folder.

    Returns:
        Weights by task, and a warning for each student that could not be shipped.
    """
    cells = {cell.key: cell for cell in ledger.plan.cells}
    shipped, warnings = {}, []
    for task, row in best_on_validation(rows).items():
        if ledger.kept_student(row.key) is None:
            continue
        target = folder / "students" / task
        if not is_shipped(target, row.key):
            try:
                _ship(ledger, cells[row.key], target)
            except DistbenchError as error:
                warnings.append(f"the best student for {task} is not shipped: {error}")
                continue
        shipped[task] = target / "model.safetensors"
    return shipped, tuple(warnings)


def _validation(row: Row) -> float | None:
    """How good a student is on validation images; None where there is none to ship."""
    if row.result is None or row.method.role == "ceiling":
        return None
    return row.result.validation_accuracy


def _on_validation(row: Row) -> float:
    return (row.result.validation_accuracy if row.result else None) or 0.0


def _dearer(source: Row, student: Row) -> str:
    """What a source costs, beside the student."""
    one, other = source.cost, student.cost
    if one is None or other is None:
        return ""
    parts = [f"{one.parameters / 1e6:.1f} M parameters against {other.parameters / 1e6:.1f} M"]
    if one.latency_ms is not None and other.latency_ms is not None:
        parts.append(f"{one.latency_ms:.1f} ms an image against {other.latency_ms:.1f} ms")
    return f", at {' and '.join(parts)}"


def _test(row: Row) -> float:
    return row.result.accuracy if row.result else 0.0


def _described(row: Row) -> str:
    """A method with its seed, and how good it is on both parts."""
    name = f"{row.method.id}, seed {row.seed}"
    if row.result is None or row.result.validation_accuracy is None:
        return name
    parts, validation = row.result.parts, 100 * row.result.validation_accuracy
    return (
        f"{name} (validation {validation:.1f} % on {parts.validation} images, test "
        f"{100 * row.result.accuracy:.1f} % on {parts.test})"
    )


def _ship(ledger: Ledger, cell: Cell, target: Path) -> None:
    """Writes a student as ``--to torch`` does, over what lies there."""
    from distbench.workflows.export.student import original
    from distbench.workflows.export.write import write

    write(original(ledger.plan, cell, ledger.root, silent), {"torch": target}, replace=True)
