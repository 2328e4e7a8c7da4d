"""Images without labels: what a method may distil on besides a task's own."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from distbench import UNLABELLED, DataError, Part, Task, TaskIndex, csv_cell
from distbench_builtin.shared.caching.file_digests import digests_below
from distbench_builtin.shared.images.decode import decode
from distbench_builtin.shared.images.depth import DESCRIPTION as BITS
from distbench_builtin.shared.images.depth import Depth, note_of_bits, with_bits
from distbench_builtin.shared.images.folder_tree import ImageFile, note_of_left_out, walk
from distbench_builtin.shared.images.peaks import peaks_of


class ImagesTask(Task):
    """Every image below a folder, at any depth and without labels: a transfer set or gallery.

    Nothing can be learnt on it alone, since it has no classes; it is what the parameter `transfer`
    of a distiller takes, and the gallery of `distbench retrieve`. Folder names mean nothing here.

    What a method distils on must not hold the test images of a task: those that show the same
    picture are noted, and refused where they are many.
    """

    declines: ClassVar = {"made": "it reads images of yours: check it as task:images:path=DIR"}

    path: Path = Field(description="the folder")
    only: Path | None = Field(
        None, description="a list of the images to take, as `distbench retrieve` stores it"
    )

    bits: int | None = Field(None, ge=8, le=16, description=BITS)

    _found: tuple[str, list[ImageFile], TaskIndex, Depth] | None = PrivateAttr(None)

    def index(self) -> TaskIndex:  # noqa: D102
        _, index, depth = self._scan()
        depth.check()
        return index

    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:  # noqa: D102
        return self.read_reduced(part, positions, None)

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int | None
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`; images of more than twice `side` may come smaller, decoded faster."""
        images, _, depth = self._scan()
        root = self.path.absolute()
        return [
            decode(root / images[i].place, images[i].name, side, depth)
            for i in (positions if part == "train" else ())
        ]

    def deep_bits(self) -> int:  # noqa: D102
        return self.bits or 16

    def identity(self) -> dict[str, Any]:  # noqa: D102
        identity = super().identity()
        params = {k: v for k, v in identity["params"].items() if k != "bits" or v is not None}
        return {**identity, "params": params}

    def _scan(self) -> tuple[list[ImageFile], TaskIndex, Depth]:
        """The images, their index and how deep they are, found once an instance."""
        if self._found is not None and self._found[0] == repr(self):
            return self._found[1:]
        if not self.path.is_dir():
            what = "is a file, not a folder" if self.path.exists() else "does not exist"
            raise DataError(f"the image folder {self.path} {what}; mend path=DIR")
        root = self.path.absolute()
        tree = walk(root)
        images = tree.images
        if self.only is not None:
            images = _listed(images, self.only)
        if not images:
            raise DataError(f"no images in {self.path}")
        try:
            digests = digests_below(root, [image.place for image in images])
        except OSError as error:
            raise DataError(
                f"cannot read {error.filename}: {error.strerror}; mend or remove it"
            ) from None
        whole = hashlib.sha256()
        for image, digest in zip(images, digests, strict=True):
            whole.update(json.dumps([image.name, digest]).encode())
        index = TaskIndex(
            classes=(),
            parts={
                "train": Part(
                    np.full(len(images), UNLABELLED, dtype=np.int64),
                    tuple(image.name for image in images),
                ),
                "test": Part(np.empty(0, dtype=np.int64), ()),
            },
            fingerprint=with_bits(whole.hexdigest(), self.bits),
            notes=(*note_of_left_out(tree.left_out), *note_of_bits(self.bits)),
        )
        depth = Depth(self.bits, peaks_of(root, images), str(self.path))
        self._found = repr(self), images, index, depth
        return self._found[1:]


def _listed(images: list[ImageFile], listing: Path) -> list[ImageFile]:
    """Those images that stand in the column ``image`` of a CSV file.

    Raises:
        DataError: It cannot be read, has no such column, or names an image that is not there.
    """
    try:
        with listing.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if "image" not in (rows.fieldnames or ()):
                raise DataError(f"{listing} has no column 'image'; mend only=FILE")
            wanted = {row["image"] for row in rows}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read the list {listing}: {reason}; mend only=FILE") from None
    # What `retrieve` stores is safe to open: some names are spelt otherwise there.
    listed = [i for i in images if i.name in wanted or csv_cell(i.name) in wanted]
    named = {name for i in listed for name in (i.name, csv_cell(i.name))}
    if missing := sorted(wanted - named):
        raise DataError(f"{listing} names an image that is not in the folder: {missing[0]!r}")
    return listed
