"""Stage 1: decode the images of a task once, into arrays of one size."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.engine.stages.decode import decoded, sample
from distbench.engine.stages.image_writer import JPEGS, ImageWriter
from distbench.engine.stages.reader import reader
from distbench.errors import DataError
from distbench.interfaces.task import Task
from distbench.planning.split import joined_groups
from distbench.storage.jpegs import JpegRows
from distbench.storage.npy import Images

TEST_LABELS = "test_labels.npy"
"""Of a folder of decoded images: int64 (m,) or (m, c), the labels of the test images."""


@dataclass(frozen=True)
class ImageSet:
    """The decoded images of a task.

    Attributes:
        train: uint8 (n, s, s, 3), memory-mapped or decoded when they are read; a given validation
            part comes last.
        train_labels: int64 (n,), `UNLABELLED` where the class is not known; (n, c) where an image
            may show several, see `Part.labels`.
        given_validation: Positions of the task's own validation part; empty if it has none.
        test: uint8 (m, s, s, 3), likewise.
        test_labels: int64 (m,) or (m, c).
        skipped: Names of images that were left out because they are corrupt.
        train_groups: int64 (n,), see `Part.groups`; None where each image stands for itself.
    """

    train: Images
    train_labels: NDArray[np.int64]
    given_validation: NDArray[np.int64]
    test: Images
    test_labels: NDArray[np.int64]
    skipped: tuple[str, ...]
    train_groups: NDArray[np.int64] | None = None


def prepare(
    task: Task,
    store_size: int,
    folder: Path,
    *,
    skip_corrupt: bool = False,
    unfinished: Path | None = None,
    store: str = "pixels",
) -> None:
    """Decodes all parts of a task into a folder.

    Images are brought to one square size, `store_size` or the longest short side in a sample of
    the images if that is smaller: the short side is resized to it (bilinear, antialiased when
    shrinking) and the centre is kept.

    Memory does not grow with the number of images: some chunks of them are held at store size, and
    in each thread a few, or one large one, in their original size.

    Args:
        task: The task.
        store_size: Side of the squares at most, pixels.
        folder: Takes the arrays.
        skip_corrupt: Whether images that cannot be decoded are left out.
        unfinished: Where to keep what there is when the work is interrupted, and where to go on
            from; nobody else may use it meanwhile. None to begin anew.
        store: How images are kept: ``pixels`` or ``jpeg``.

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
        DataError: The task cannot be read.
        PluginError: The task gives anything but an image for each position.
    """
    index = task.index()
    read = reader(task, store_size)
    side, block = sample(read, "train", range(len(index.parts["train"])), skip_corrupt)
    size = min(store_size, side)
    skipped: list[str] = []
    given = [name for name in ("train", "validation") if name in index.parts]
    validation_from = None
    for group, parts in {"train": given, "test": ["test"]}.items():
        counts = [len(index.parts[part]) for part in parts]
        writer = ImageWriter(unfinished or folder, group, sum(counts), size, store)
        start = 0
        with writer:
            for part, count in zip(parts, counts, strict=True):
                left = range(min(max(writer.done - start, 0), count), count)
                for chunk in decoded(read, part, left, size, block, skip_corrupt):
                    writer.append(start, left, chunk)
                start += count
        writer.finish(folder)
        skipped += writer.skipped
        kept = writer.kept()
        labels = np.concatenate([index.parts[part].labels for part in parts])
        np.save(folder / f"{group}_labels.npy", labels[kept].astype(np.int64))
        if len(parts) > 1:
            validation_from = int((kept < counts[0]).sum())
        together = joined_groups([index.parts[p] for p in parts]) if group == "train" else None
        if together is not None:
            np.save(folder / f"{group}_groups.npy", together[kept])
    about = {"skipped": skipped, "validation_from": validation_from, "size": size}
    (folder / "facts.json").write_text(json.dumps(about), encoding="utf-8")


def open_images(folder: Path) -> ImageSet:
    """Opens what `prepare` wrote."""
    facts = from_json((folder / "facts.json").read_bytes())
    labels = np.load(folder / "train_labels.npy")
    groups = folder / "train_groups.npy"
    start, size = facts["validation_from"], facts["size"]
    return ImageSet(
        train=_opened(folder / "train.npy", size),
        train_labels=labels,
        given_validation=np.arange(len(labels) if start is None else start, len(labels)),
        test=_opened(folder / "test.npy", size),
        test_labels=np.load(folder / TEST_LABELS),
        skipped=tuple(facts["skipped"]),
        train_groups=np.load(groups) if groups.exists() else None,
    )


def _opened(path: Path, size: int) -> Images:
    if path.exists():
        return cast(Images, np.load(path, mmap_mode="r"))
    return JpegRows(path.with_suffix(JPEGS), size)


def read_differently(task: str, side: int, usual: int) -> DataError:
    """The error for a task of which other images can be read at one size than at the usual one."""
    return DataError(
        f"task {task!r}: other images can be read at {side} pixels than at {usual}; mend or remove "
        "the corrupt ones"
    )
