"""Writes a student into a folder: files of a format, preprocessing, model card, checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from distbench.errors import UsageError
from distbench.interfaces.reporter import Cell
from distbench.storage.safe_text import plain, plain_json
from distbench.workflows.export.card import card
from distbench.workflows.export.compare import Agreement, compare
from distbench.workflows.export.folder import ABOUT, whole_folder
from distbench.workflows.export.formats import WRITERS
from distbench.workflows.export.onnx_graph import check_installed
from distbench.workflows.export.student import Original


@dataclass(frozen=True)
class Exported:
    """What an export leaves behind.

    Attributes:
        folder: Where it lies.
        to: The format.
        cell: The cell.
        check: How it was compared with the original.
        files: Names of its files.
    """

    folder: Path
    to: str
    cell: Cell
    check: Agreement
    files: tuple[str, ...]


def check_format(to: str) -> None:
    """Refuses a format that there is not, or whose packages are not installed.

    Raises:
        UsageError: So it is.
    """
    if to not in WRITERS:
        raise UsageError(f"unknown format {to!r}; formats are {', '.join(WRITERS)}")
    if to == "onnx":
        check_installed()


def write(student: Original, to: str, target: Path, *, replace: bool = False) -> Exported:
    """Writes a student in a format, and checks what was written.

    Raises:
        UsageError: The format does not take this student.
        RefusedError: What was written does not say what the student says; it is not kept.
    """
    with whole_folder(target, student.cell.key, replace=replace) as draft:
        about = {
            **student.steps.as_dict(),
            "classes": list(student.task.classes),
            "cell": student.cell.key,
            **student.outputs,
        }
        text = plain_json(json.dumps(about, indent=1, ensure_ascii=False)) + "\n"
        (draft / ABOUT).write_text(text, encoding="utf-8")
        written = WRITERS[to](student, draft)
        check = compare(
            student.logits(single=written.single),
            written.logits,
            f"the {to} export of {student.cell.id}",
        )
        readme = plain(card(student, to, written, check), keep="\n")
        (draft / "README.md").write_text(readme, encoding="utf-8")
    files = tuple(sorted(path.name for path in target.iterdir()))
    return Exported(target, to, student.cell, check, files)
