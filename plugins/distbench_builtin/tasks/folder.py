"""A folder of images as a task: what most users bring."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PrivateAttr

from distbench import UNLABELLED, DataError, Part, Task, TaskIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from distbench_builtin.tasks._draw import Classes
    from distbench_builtin.tasks._layout import Layout
    from distbench_builtin.tasks._tree import ImageFile

    Rows = list[tuple[str | None, ImageFile]]


class FolderTask(Task):
    """A folder of images, with one subfolder for each class.

    Either ``DIR/{train,test}/CLASS/*.jpg`` (also ``training``, ``testing``; perhaps ``val``,
    ``valid`` or ``validation``), or ``DIR/CLASS/*.jpg``, from which a test part is made. Where
    there are validation but no test images, the test part is made from the training images and
    the validation images stay what they are. Images in a folder ``unlabelled`` (or
    ``unlabeled``), in DIR or among the training classes, are used without a label.

    The folder is looked through once an instance; files that change later are not noticed.
    """

    path: Path = Field(description="the folder")
    test: float = Field(
        0.2, gt=0, lt=1, description="share of each class for testing, where there is no test part"
    )
    seen_by: tuple[str, ...] = Field(
        (), description="data sets whose models have seen these images, e.g. imagenet-1k"
    )

    _found: tuple[Path, float, Layout, dict[str, Rows]] | None = PrivateAttr(None)

    def index(self) -> TaskIndex:  # noqa: D102
        layout, rows = self._scan()
        number = {name: i for i, name in enumerate(layout.classes)}
        parts = {
            part: Part(
                np.array([UNLABELLED if c is None else number[c] for c, _ in images], np.int64),
                tuple(image.name for _, image in images),
            )
            for part, images in rows.items()
        }
        return TaskIndex(
            layout.classes, parts, self._fingerprint(rows), self.seen_by, tuple(layout.notes)
        )

    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:  # noqa: D102
        from distbench_builtin.tasks._images import decode

        images = self._scan()[1][part]
        return [decode(images[i][1].path, images[i][1].name) for i in positions]

    def _scan(self) -> tuple[Layout, dict[str, Rows]]:
        """The layout, and class and file of the images of each part in the order of the index."""
        from distbench_builtin.tasks._layout import sort_out
        from distbench_builtin.tasks._tree import walk

        held = self._found
        if held is not None and held[:2] == (self.path, self.test):
            return held[2:]
        try:
            usable = self.path.is_dir()
            what = "is a file, not a folder" if self.path.exists() else "does not exist"
        except OSError as error:
            usable, what = False, f"cannot be read: {error.strerror}"
        if not usable:
            raise DataError(f"the image folder {self.path} {what}; mend path=DIR")
        layout = sort_out(self.path, walk(self.path), self.test)
        rows = {part: _in_order(classes) for part, classes in layout.parts.items()}
        rows["train"] += [(None, image) for image in layout.unlabelled]
        self._found = (self.path, self.test, layout, rows)
        return layout, rows

    def _fingerprint(self, rows: dict[str, Rows]) -> str:
        """SHA-256 over name, class, part and content of every image."""
        from distbench_builtin._digests import file_digests

        images = [(part, label, image) for part, found in rows.items() for label, image in found]
        try:
            digests = file_digests(self.path.absolute(), [i.path.absolute() for _, _, i in images])
        except OSError as error:
            raise DataError(
                f"cannot read {error.filename}: {error.strerror}; mend or remove it"
            ) from None
        facts = sorted(
            [image.name, label or "", part, digest]
            for (part, label, image), digest in zip(images, digests, strict=True)
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _in_order(classes: Classes) -> Rows:
    rows: Rows = [(label, image) for label, images in classes.items() for image in images]
    return sorted(rows, key=lambda row: row[1].name)
