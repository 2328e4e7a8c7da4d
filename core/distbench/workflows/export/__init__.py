"""Shipping: a trained student as files that are used without distbench, and how they are opened.

A cell is looked up (`find_cell`), its student loaded or trained again (`student`), written in its
`forms` with a model card (`card`), compared with the original (`compare`) and measured
(`footprint`, `loss`). `opened` opens what was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distbench.interfaces.progress import Progress, silent

if TYPE_CHECKING:
    from distbench.storage.network.hub_push import HubTarget
    from distbench.workflows.export.write import Exported

__all__ = ["export_forms"]


def export_forms(
    wanted: str,
    to: Sequence[str],
    *,
    best: bool = False,
    whole: bool = False,
    run: Path | None = None,
    output: Path | None = None,
    runs: Path = Path("runs"),
    target: HubTarget | None = None,
    licence: str | None = None,
    progress: Progress = silent,
) -> tuple[Exported, ...]:
    """Exports the student of a cell; where its weights were not kept it is trained again.

    Args:
        wanted: A cell's key, the beginning of one, or ``TASK:METHOD:SEED``.
        to: Formats, see `distbench.workflows.export.formats.FORMATS`.
        best: Whether a task is wanted, of which the student is taken that is best on validation.
        whole: Whether ONNX files take images of any size.
        run: A run's folder or name; the latest if None, and for a key any.
        output: The folder to write, or, of several formats, the folder of their folders;
            ``exports/CELL-FORMAT`` in the run's folder if None.
        runs: Folder of run folders.
        target: The repository of the Hub that the one format is pushed to.
        licence: Of the student, for its card; that of the source where that was trained itself, if
            None.
        progress: Hears what takes time.

    Raises:
        UsageError: No such cell or format, a format does not take this student, or a folder holds
            something else. Nothing is written then.
        RefusedError: The exported files do not say what the student says, or the Hub does not
            take them.
    """
    from distbench.workflows.export.find_cell import find_best, find_cell
    from distbench.workflows.export.folder import check_target, default_folder
    from distbench.workflows.export.formats import check_formats
    from distbench.workflows.export.push import check_push, push

    check_formats(to, whole=whole)
    run_folder, cell = (find_best if best else find_cell)(wanted, run, runs)
    targets = {}
    for form in to:
        name = f"{form}-whole" if whole else form
        within = output / name if output and len(to) > 1 else output
        targets[form] = within or default_folder(run_folder.folder, cell.id, name)
        check_target(targets[form], cell.key)
    if target is not None:
        check_push(target, to)
    known = next((row for row in run_folder.rows if row.key == cell.key), None)

    from distbench.storage.home import home
    from distbench.workflows.export.student import original
    from distbench.workflows.export.write import write

    student = original(run_folder.plan, cell, home(), progress, known)
    done = write(student, targets, whole=whole, licence=licence, progress=progress)
    return done if target is None else tuple(push(target, one) for one in done)
