"""A folder of images, or a table of them, as a task: what most users bring."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from distbench import UNLABELLED, DataError, Part, Task, TaskIndex, UsageError
from distbench_builtin.shared.caching.file_digests import digests_below
from distbench_builtin.shared.images.bonds import Bonds
from distbench_builtin.shared.images.copies import DESCRIPTION as COPIES
from distbench_builtin.shared.images.copies import Copies, check_copies
from distbench_builtin.shared.images.decode import decode
from distbench_builtin.shared.images.depth import DESCRIPTION as BITS
from distbench_builtin.shared.images.depth import Depth, note_of_bits, with_bits
from distbench_builtin.shared.images.fingerprint import fingerprint_of
from distbench_builtin.shared.images.folder_layout import sort_out
from distbench_builtin.shared.images.folder_tree import ImageFile, walk
from distbench_builtin.shared.images.grouping import DESCRIPTION as GROUP
from distbench_builtin.shared.images.grouping import divided_numbers
from distbench_builtin.shared.images.label_sets import DESCRIPTION as SETS
from distbench_builtin.shared.images.label_sets import joined, label_matrix
from distbench_builtin.shared.images.label_spellings import DESCRIPTION as LABELS
from distbench_builtin.shared.images.label_spellings import (
    Labels,
    check_class_folders,
    check_groups,
)
from distbench_builtin.shared.images.parts import Classes, Layout
from distbench_builtin.shared.images.peaks import peaks_of
from distbench_builtin.shared.images.pictures import pictures_of_files
from distbench_builtin.shared.images.table_layout import listed as listed_in

Rows = list[tuple[str | None, ImageFile]]

_JUDGE = ("copies", "labels")
"""Parameters that say whether data are refused, not what they are."""

_scanning = threading.Lock()


class FolderTask(Task):
    """A folder of images, with one subfolder for each class, or a table of images.

    Folder: either ``DIR/{train,test}/CLASS/*.jpg`` (also ``training``, ``testing``; perhaps
    ``val``, ``valid`` or ``validation``), or ``DIR/CLASS/*.jpg``, from which a test part is made.
    Where there are validation but no test images, the test part is made from the training images
    and the validation images stay what they are. Images in a folder ``unlabelled`` (or
    ``unlabeled``), in DIR or among the training classes, are used without a label.

    Table: ``table=labels.csv`` (comma, semicolon or tab; UTF-8), ``.jsonl`` or ``.parquet``, with
    a column of file names, one of classes and perhaps one of parts (train, test, val, or
    unlabelled). A row without a class is an unlabelled image. With ``multilabel=true`` an image may
    show several classes: ``cat|dog``. A test part is then drawn from the images of each class that
    show no rarer one.

    ``unlabelled=DIR`` adds a folder of images without labels, at any depth. Images without labels,
    wherever they lie, that are also among the labelled, validation or test images, byte for byte,
    are left out and counted, before a test part is made. Images of a class that are called alike
    but for the suffix or a folder below (``x.png``, ``x.jpg``, ``thumbs/x.png``) are noted and stay
    in one part.

    Folder and table are read once an instance; files that change later are not noticed.
    """

    declines: ClassVar = {"made": "it reads images of yours: check it as task:folder:path=DIR"}

    path: Path | None = Field(
        None, description="the folder; with table=, where its file names start from"
    )
    table: Path | None = Field(
        None, description="a list of the images, instead of class folders: CSV, JSON lines, Parquet"
    )
    file_column: str | None = Field(
        None, alias="file", description="the table's column of file names; none to look for it"
    )
    label_column: str | None = Field(
        None, alias="label", description="the table's column of classes; none to look for it"
    )
    split_column: str | None = Field(
        None, alias="split", description="the table's column of parts; none to look for it"
    )
    unlabelled: Path | None = Field(None, description="a folder of further images without labels")
    test: float = Field(
        0.2, gt=0, lt=1, description="share of each class for testing, where there is no test part"
    )
    group: str | None = Field(
        None,
        description=GROUP.format(
            more=" of the table; `folder`, that below the folder of the class"
        ),
    )
    multilabel: bool = Field(False, description=SETS)
    copies: Copies = Field("refuse", description=COPIES)
    labels: Labels = Field("check", description=LABELS)
    bits: int | None = Field(None, ge=8, le=16, description=BITS)
    seen_by: tuple[str, ...] = Field(
        (), description="data sets whose models have seen these images, e.g. imagenet-1k"
    )

    _known_depth: tuple[dict[str, Rows], Depth] | None = PrivateAttr(None)
    _found: tuple[str, dict[str, Rows], TaskIndex] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.path is None and self.table is None:
            raise UsageError(
                "task folder needs path=DIR, a folder of images, or table=FILE, a list of them"
            )
        columns = {"file": self.file_column, "label": self.label_column, "split": self.split_column}
        for name, column in columns.items():
            if column is not None and self.table is None:
                raise UsageError(f"task folder: {name}={column} names a column of table=FILE")
        if self.multilabel and self.table is None:
            raise UsageError("task folder: multilabel=true is about the cells of table=FILE")
        return self

    def accepts_copies(self) -> bool:  # noqa: D102
        return self.copies == "allow"

    def deep_bits(self) -> int:  # noqa: D102
        return self.bits or 16

    def identity(self) -> dict[str, Any]:  # noqa: D102
        identity = super().identity()
        params = {k: v for k, v in identity["params"].items() if v is not None and k not in _JUDGE}
        if not self.multilabel:  # as identities were before there was this
            del params["multilabel"]
        return {**identity, "params": params}

    def index(self) -> TaskIndex:  # noqa: D102
        self._depth().check()
        return self._scan()[1]

    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:  # noqa: D102
        return self.read_reduced(part, positions, None)

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int | None
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`; images of more than twice `side` may come smaller, decoded faster."""
        images, root, depth = self._scan()[0][part], self._root, self._depth()
        return [
            decode(root / images[i][1].place, images[i][1].name, side, depth) for i in positions
        ]

    def _depth(self) -> Depth:
        """How 16-bit images are brought to 8 bits."""
        rows = self._scan()[0]
        if self._known_depth is None or self._known_depth[0] is not rows:
            images = [image for own in rows.values() for _, image in own]
            peaks = peaks_of(self._root, images)
            self._known_depth = rows, Depth(self.bits, peaks, str(self.table or self.path))
        return self._known_depth[1]

    @property
    def _root(self) -> Path:
        """What the places of images start from."""
        if self.path is not None:
            return self.path.absolute()
        return (self.table or Path()).absolute().parent

    def _scan(self) -> tuple[dict[str, Rows], TaskIndex]:
        """Class and file of the images of each part in the order of the index, and the index."""
        held = self._found
        if held is not None and held[0] == repr(self):
            return held[1:]
        with _scanning:
            if self._found is None or self._found[0] != repr(self):
                self._found = (repr(self), *self._read_all())
            return self._found[1:]

    def _read_all(self) -> tuple[dict[str, Rows], TaskIndex]:
        alike = partial(pictures_of_files, self._root) if self.copies == "together" else None
        bonds = Bonds(self._digests, self.group, alike)
        layout = self._layout(bonds)
        rows = {part: _in_order(classes) for part, classes in layout.parts.items()}
        rows["train"] += [(None, image) for image in layout.unlabelled]
        if layout.sets is not None:
            rows = {
                part: [(c and joined(layout.sets[image.place]), image) for c, image in own]
                for part, own in rows.items()
            }
        where = str(self.table or self.path)
        items = {part: bonds.items(own) for part, own in rows.items()}
        if self.labels == "check":
            check_groups((i for own in items.values() for i in own), self.group, where)
        images = [image for own in rows.values() for _, image in own]
        notes = bonds.notes(images) + check_copies(items, where, self.copies)
        layout.notes += notes + note_of_bits(self.bits)
        numbers = bonds.numbers(images, where)
        groups = divided_numbers(numbers, {part: len(own) for part, own in rows.items()})
        number = {name: i for i, name in enumerate(layout.classes)}

        def labels_of(given: Sequence[str | None]) -> NDArray[np.int64]:
            if layout.sets is not None:
                return label_matrix(given, layout.classes)
            return np.array([UNLABELLED if c is None else number[c] for c in given], np.int64)

        parts = {
            part: Part(
                labels_of([label for label, _ in own]),
                tuple(image.name for _, image in own),
                groups[part],
            )
            for part, own in rows.items()
        }
        fingerprint = with_bits(fingerprint_of(items, groups), self.bits)
        if self.multilabel:
            fingerprint = hashlib.sha256(f"multilabel {fingerprint}".encode()).hexdigest()
        return rows, TaskIndex(
            layout.classes, parts, fingerprint, self.seen_by, tuple(layout.notes)
        )

    def _layout(self, bonds: Bonds) -> Layout:
        if self.path is not None:
            _check_folder(self.path, "path")
        if self.table is not None:
            columns = {
                "file": self.file_column,
                "label": self.label_column,
                "split": self.split_column,
            }
            return listed_in(
                self.table,
                self._root,
                self.test,
                columns,
                bonds,
                self.labels,
                self._further(),
                multilabel=self.multilabel,
            )
        root = self.path or Path()
        layout = sort_out(root, walk(root), self.test, bonds, self._further())
        if self.labels == "check":
            check_class_folders(layout.classes, root)
        return layout

    def _further(self) -> list[ImageFile]:
        """Images of the further folder."""
        if self.unlabelled is None:
            return []
        _check_folder(self.unlabelled, "unlabelled")
        base = self.unlabelled.absolute()
        images = walk(base).images
        if not images:
            raise DataError(f"no images in unlabelled={self.unlabelled}")
        return [
            ImageFile(f"unlabelled/{image.name}", os.path.join(base, image.place))  # noqa: PTH118
            for image in images
        ]

    def _digests(self, places: Sequence[str]) -> list[str]:
        try:
            return digests_below(self._root, places)
        except OSError as error:
            raise DataError(
                f"cannot read {error.filename}: {error.strerror}; mend or remove it"
            ) from None


def _in_order(classes: Classes) -> Rows:
    rows: Rows = [(label, image) for label, images in classes.items() for image in images]
    return sorted(rows, key=lambda row: row[1].name)


def _check_folder(path: Path, parameter: str) -> None:
    try:
        usable = path.is_dir()
        what = "is a file, not a folder" if path.exists() else "does not exist"
    except OSError as error:
        usable, what = False, f"cannot be read: {error.strerror}"
    if not usable:
        raise DataError(f"the image folder {path} {what}; mend {parameter}=DIR")
