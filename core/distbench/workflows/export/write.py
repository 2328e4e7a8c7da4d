"""Writes a student into folders: files of a form, preprocessing, model card, checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.reporter import Cell
from distbench.storage.network.hub_push import Pushed
from distbench.storage.safe_text import plain, plain_json
from distbench.submission.scrub import without_paths
from distbench.workflows.export.card import card
from distbench.workflows.export.compare import Agreement, compare
from distbench.workflows.export.folder import ABOUT, whole_folder
from distbench.workflows.export.footprint import Footprint, footprint
from distbench.workflows.export.forms.writers import writers
from distbench.workflows.export.forms.written import Written
from distbench.workflows.export.loss import Loss, first_image, loss
from distbench.workflows.export.opened import open_model
from distbench.workflows.export.student import Original


@dataclass(frozen=True)
class Exported:
    """What an export leaves behind.

    Attributes:
        folder: Where it lies.
        to: The format.
        cell: The cell.
        accuracy: Of the student on the task's test images.
        check: How it was compared with the original.
        footprint: What it costs here.
        loss: What it loses; None for a form that says what the student says.
        files: Names of its files.
        pushed: Where it was pushed to on the Hub, if it was.
    """

    folder: Path
    to: str
    cell: Cell
    accuracy: float
    check: Agreement
    footprint: Footprint
    loss: Loss | None
    files: tuple[str, ...]
    pushed: Pushed | None = None


def write(
    student: Original,
    targets: Mapping[str, Path],
    *,
    whole: bool = False,
    replace: bool = False,
    licence: str | None = None,
    progress: Progress = silent,
) -> tuple[Exported, ...]:
    """Writes a student in some formats, and checks what was written; all of them or none.

    Args:
        student: The student.
        targets: Folders by format.
        whole: Whether ONNX files take images of any size.
        replace: Whether whatever lies there gives way.
        licence: Of the student, as far as a person said it.
        progress: Hears of every format.

    Raises:
        UsageError: A format does not take this student.
        RefusedError: What was written does not say what the student says; it is not kept.
    """
    written = writers(student, whole=whole)
    done = []
    with ExitStack() as drafts:
        for to, target in targets.items():
            if len(targets) > 1:
                progress(f"writing and measuring {to}")
            draft = drafts.enter_context(whole_folder(target, student.cell.key, replace=replace))
            done.append(_written(student, to, draft, target, written[to], licence))
    return tuple(done)


def _written(
    student: Original,
    to: str,
    draft: Path,
    target: Path,
    writer: Callable[[Path], Written],
    licence: str | None,
) -> Exported:
    """Writes one format into a draft of its folder."""
    about = {
        **student.steps.as_dict(),
        "classes": list(student.task.classes),
        "cell": student.cell.key,
        **student.outputs,
    }
    text = plain_json(json.dumps(about, indent=1, ensure_ascii=False)) + "\n"
    (draft / ABOUT).write_text(text, encoding="utf-8")
    written = writer(draft)
    check = compare(
        student.logits(single=written.single),
        written.logits,
        f"the {to} export of {student.cell.id}",
        exact=written.exact,
    )
    image = first_image(student) if written.whole else student.samples[0]
    costs = footprint(draft, written.weights, image)
    lost = None
    if written.whole or not written.exact:
        lost = loss(student, open_model(draft))
    about_it = card(student, to, written, check, costs, lost, licence)
    readme = without_paths(plain(about_it, keep="\n"))
    (draft / "README.md").write_text(readme, encoding="utf-8")
    files = tuple(sorted(path.name for path in draft.iterdir() if path.name != "__pycache__"))
    accuracy = student.result.accuracy
    return Exported(target, to, student.cell, accuracy, check, costs, lost, files)
