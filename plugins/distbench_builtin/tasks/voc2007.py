"""Pascal VOC 2007 with all the classes of an image, as target task and as source data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from distbench import DataError, Download, Part, Task, TaskIndex, absent, home, primary
from distbench_builtin.shared.caching.file_digests import digests_below
from distbench_builtin.shared.downloads.archive import Archive, Piece
from distbench_builtin.shared.images.decode import decode

CLASSES = tuple(
    """aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike
person pottedplant sheep sofa train tvmonitor""".split()  # noqa: SIM905 - easier to read
)

_PAGE = "https://thor.robots.ox.ac.uk/pascal/VOC/voc2007/"
_COUNTS = {"train": 2501, "val": 2510, "trainval": 5011, "test": 4952}


class Voc2007(Task):
    """Pascal VOC 2007, multi-label: an image may show several of 20 classes.

    Everingham et al., The PASCAL Visual Object Classes Challenge 2007. Classes whose objects are
    all marked difficult are not judged in an image. Also source data for `distbench zoo build`.
    """

    path: Path | None = primary(
        None, description="the folder VOC2007 or VOCdevkit; below $DISTBENCH_HOME if not given"
    )
    split: Literal["train", "trainval"] = Field(
        "train", description="train: 2,501 images, as PARC's models saw; trainval: 5,011"
    )
    strict: bool = Field(True, description="false: go on with other numbers of images")

    _found: dict[str, tuple[list[str], NDArray[np.int64]]] | None = PrivateAttr(None)

    def downloads(self) -> Sequence[Download]:
        """The archive, unless a folder is given."""
        return [] if self.path is not None else [_archive()]

    def index(self) -> TaskIndex:
        """Parts with labels (n, 20): 1 where an image shows a class, 0 where not, -1 not judged."""
        parts = self._load()
        whole = json.dumps({part: (names, rows.tolist()) for part, (names, rows) in parts.items()})
        return TaskIndex(
            classes=CLASSES,
            parts={part: Part(rows, tuple(names)) for part, (names, rows) in parts.items()},
            fingerprint=hashlib.sha256(f"{self._images_digest()} {whole}".encode()).hexdigest(),
            seen_by=("voc2007",),
            notes=("multi-label: classes of which all objects are difficult are not judged",),
        )

    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:
        """Images of a part, decoded."""
        return self.read_reduced(part, positions, None)

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int | None
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`; images of more than twice `side` may come smaller, decoded faster."""
        names, folder = self._load()[part][0], self._folder() / "JPEGImages"
        return [decode(folder / f"{names[i]}.jpg", names[i], side=side) for i in positions]

    def _folder(self) -> Path:
        if self.path is None:
            archive = _archive()
            if not archive.present():
                raise absent(archive.what, "--task voc2007")
            return archive.place / "VOCdevkit" / "VOC2007"
        for inner in ("VOCdevkit/VOC2007", "VOC2007"):
            if (self.path / inner).is_dir():
                return self.path / inner
        return self.path

    def _load(self) -> dict[str, tuple[list[str], NDArray[np.int64]]]:
        if self._found is None:
            folder = self._folder() / "ImageSets" / "Main"
            self._found = {
                "train": self._read_split(folder, self.split),
                "test": self._read_split(folder, "test"),
            }
        return self._found

    def _read_split(self, folder: Path, split: str) -> tuple[list[str], NDArray[np.int64]]:
        """Names and labels of the official lists: 1, -1 for absent, 0 for difficult ones only."""
        columns: list[dict[str, int]] = []
        for name in CLASSES:
            file = folder / f"{name}_{split}.txt"
            try:
                rows = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
                columns.append({row[0]: int(row[1]) for row in rows if row})
            except OSError as error:
                raise DataError(
                    f"no VOC 2007 in {folder.parents[1]}: {file.name}: {error.strerror}; "
                    "expected there are ImageSets/Main/*.txt and JPEGImages/*.jpg of both "
                    "archives, trainval and test"
                ) from None
            except (ValueError, IndexError):
                raise DataError(
                    f"{file} is not as VOC's lists are: an image and 1, 0 or -1"
                ) from None
        names = sorted(columns[0])
        if any(sorted(column) != names for column in columns):
            raise DataError(f"the lists *_{split}.txt in {folder} do not name the same images")
        if self.strict and len(names) != _COUNTS[split]:
            raise DataError(
                f"VOC 2007 has {len(names)} images in part {split!r} in {folder}, expected are "
                f"{_COUNTS[split]}; complete it, or go on with strict=false"
            )
        official = np.array([[column[name] for column in columns] for name in names])
        return names, np.array([0, -1, 1])[official + 1].astype(np.int64)

    def _images_digest(self) -> str:
        """Of the images in a folder of the user's; else the archives' checksums stand for it."""
        if self.path is None:
            return " ".join(str(piece.digest) for piece in _archive().pieces)
        names = [f"JPEGImages/{n}.jpg" for names, _ in self._load().values() for n in names]
        try:
            return " ".join(digests_below(self._folder().absolute(), names))
        except OSError as error:
            raise DataError(f"VOC 2007: cannot read {error.filename}: {error.strerror}") from None


def _archive() -> Archive:
    pieces: list[Any] = [
        Piece(f"{_PAGE}VOCtrainval_06-Nov-2007.tar", "md5:c52e279531787c972589f7e41ab4ae64"),
        Piece(f"{_PAGE}VOCtest_06-Nov-2007.tar", "md5:b6e924de25625d8de591ea690078ad9f"),
    ]
    return Archive("Pascal VOC 2007", home() / "data" / "voc2007", tuple(pieces))
