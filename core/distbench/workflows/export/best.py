"""Which students a run ships: of each task the one that is best on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distbench.engine.ledger import Ledger
from distbench.errors import DistbenchError
from distbench.interfaces.progress import silent
from distbench.interfaces.reporter import Cell
from distbench.storage.rows import Row
from distbench.workflows.export.folder import is_shipped


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
    best: dict[str, tuple[float, Row]] = {}
    for row in rows:
        value = row.result.validation_accuracy if row.result else None
        if row.method.role == "ceiling" or value is None:
            continue
        if row.task.id not in best or value > best[row.task.id][0]:
            best[row.task.id] = value, row
    cells = {cell.key: cell for cell in ledger.plan.cells}
    shipped, warnings = {}, []
    for task, (_, row) in best.items():
        if not ledger.student(row.key).is_file():
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


def _ship(ledger: Ledger, cell: Cell, target: Path) -> None:
    """Writes a student as ``--to torch`` does, over what lies there."""
    from distbench.workflows.export.student import original
    from distbench.workflows.export.write import write

    write(original(ledger.plan, cell, ledger.root, silent), "torch", target, replace=True)
