"""The images of source data, decoded once into arrays that all architectures read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench import UNLABELLED, DataError, Task, decode_images

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

PARTS = ("train", "test")
_MARGIN = 8 / 7
"""Side at which images are kept, by that of the input: crops then enlarge little."""

_READY = "ready.json"


@dataclass(frozen=True)
class Images:
    """Decoded images of one part.

    Attributes:
        pixels: uint8 (n, s, s, 3), memory-mapped.
        labels: int64 (n,) class numbers, or (n, c) with 1 where a class is shown, 0 where it is
            not and -1 where that is not to be judged.
    """

    pixels: Pixels
    labels: Labels


@dataclass(frozen=True)
class SourceData:
    """Decoded training and test images.

    Attributes:
        classes: Class names in the order of the outputs.
        train: What is trained on.
        test: What the model is judged on.
        skipped: Images that could not be read and were left out.
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    skipped: int


def labels_of(task: Task, part: str) -> Labels:
    """Labels of a part: (n,), or (n, c) of a task whose images may show several classes.

    Raises:
        DataError: They are not one row for each image and one column for each class.
    """
    index = task.index()
    single = index.parts[part].labels
    several = task.multi_labels(part)
    if several is None:
        return single
    labels = np.asarray(several, dtype=np.int64)
    expected = (len(single), len(index.classes))
    if labels.shape != expected:
        raise DataError(
            f"task {task.label!r} gives multi-label {part} labels of shape {labels.shape}; "
            f"{expected} was expected, one row an image and one column a class"
        )
    return labels


def store_size(image_size: int) -> int:
    """Side at which images are kept for an input of some size."""
    return round(image_size * _MARGIN)


def decode(task: Task, size: int, folder: Path, *, skip_corrupt: bool = False) -> None:
    """Decodes labelled training and test images into a folder, unless it holds them already.

    They are brought to squares as `distbench.decode_images` does. The folder counts as complete
    only once all of it is written.

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
        DataError: A part has no labelled images, or the disk has no room.
    """
    if (folder / _READY).is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    labels = {part: labels_of(task, part) for part in PARTS}
    known = {part: _labelled(task, part, labels[part]) for part in PARTS}
    _check_room(sum(map(len, known.values())) * size * size * 3, folder)
    skipped = 0
    for part in PARTS:
        rows: list[int] = []
        shape = (len(known[part]), size, size, 3)
        pixels = np.lib.format.open_memmap(
            folder / f"{part}.npy", mode="w+", dtype=np.uint8, shape=shape
        )
        for positions, images in decode_images(
            task, part, known[part], size, skip_corrupt=skip_corrupt
        ):
            pixels[len(rows) : len(rows) + len(images)] = images
            rows += positions
        pixels.flush()
        skipped += len(known[part]) - len(rows)
        if not rows:
            raise DataError(f"task {task.label!r}: no image of part {part!r} can be read")
        np.save(folder / f"{part}_labels.npy", labels[part][rows])
    (folder / _READY).write_text(json.dumps({"skipped": skipped}), encoding="utf-8")


def open_data(classes: Sequence[str], folder: Path) -> SourceData:
    """Opens what `decode` wrote."""
    parts = {}
    for part in PARTS:
        labels = np.load(folder / f"{part}_labels.npy")
        pixels = np.load(folder / f"{part}.npy", mmap_mode="r")
        parts[part] = Images(pixels[: len(labels)], labels)
    skipped = from_json((folder / _READY).read_bytes())["skipped"]
    return SourceData(tuple(classes), parts["train"], parts["test"], skipped)


def _labelled(task: Task, part: str, labels: Labels) -> list[int]:
    """Positions of the images that have a label."""
    having = labels != UNLABELLED if labels.ndim == 1 else np.any(labels >= 0, axis=1)
    positions: list[int] = np.flatnonzero(having).tolist()
    if not positions:
        raise DataError(
            f"task {task.label!r} has no labelled images in part {part!r}; source models are "
            "trained on its train part and judged on its test part"
        )
    return positions


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the decoded images need {needed / 1e9:.1f} GB below {folder}, {free / 1e9:.1f} GB "
            "are free; make room, or name another --output"
        )
