"""Shipping: a trained student as files that are used without distbench.

A cell is looked up (`find_cell`), its student loaded or trained again (`student`), written in a
format (`formats`) with a model card (`card`), and compared with the original (`compare`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from distbench.interfaces.progress import Progress, silent

if TYPE_CHECKING:
    from distbench.workflows.export.write import Exported

__all__ = ["export_cell"]


def export_cell(
    wanted: str,
    to: str,
    *,
    best: bool = False,
    run: Path | None = None,
    output: Path | None = None,
    runs: Path = Path("runs"),
    progress: Progress = silent,
) -> Exported:
    """Exports the student of a cell; where its weights were not kept it is trained again.

    Args:
        wanted: A cell's key, the beginning of one, or ``TASK:METHOD:SEED``.
        to: ``onnx``, ``torch`` or ``timm``.
        best: Whether a task is wanted, of which the student is taken that is best on validation.
        run: A run's folder or name; the latest if None, and for a key any.
        output: The folder to write; ``exports/CELL-FORMAT`` in the run's folder if None.
        runs: Folder of run folders.
        progress: Hears what takes time.

    Raises:
        UsageError: No such cell or format, the format does not take this student, or the folder
            holds something else.
        RefusedError: The exported files do not say what the student says.
    """
    from distbench.workflows.export.find_cell import find_best, find_cell
    from distbench.workflows.export.folder import check_target, default_folder

    run_folder, cell = (find_best if best else find_cell)(wanted, run, runs)
    target = output or default_folder(run_folder.folder, cell.id, to)
    check_target(target, cell.key)
    known = next((row for row in run_folder.rows if row.key == cell.key), None)

    from distbench.storage.home import home
    from distbench.workflows.export.student import original
    from distbench.workflows.export.write import check_format, write

    check_format(to)
    return write(original(run_folder.plan, cell, home(), progress, known), to, target)
