"""Stage 1: decode the images of a task once, into memory-mapped uint8 arrays."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic_core import from_json

from distbench.engine.stages.reader import Pixels, Reader, reader
from distbench.errors import CorruptImageError, DataError
from distbench.interfaces.execution.machine import usable_cores
from distbench.interfaces.task import Task
from distbench.planning.split import joined_groups
from distbench.storage.npy import RowFile

_CHUNK = 64
"""Images that a thread decodes before it hands them on: at store size, some megabytes."""

_AT_ONCE = 64 * 2**20
"""Bytes of images in their original size that a thread holds, as far as can be known."""

STRIP = 64
"""By how much an image is longer than wide that no photograph is."""

_THREADS = 8
_SAMPLE = 64


TEST_LABELS = "test_labels.npy"
"""Of a folder of decoded images: int64 (m,) or (m, c), the labels of the test images."""


@dataclass(frozen=True)
class ImageSet:
    """The decoded images of a task.

    Attributes:
        train: uint8 (n, s, s, 3), memory-mapped; a given validation part comes last.
        train_labels: int64 (n,), `UNLABELLED` where the class is not known; (n, c) where an image
            may show several, see `Part.labels`.
        given_validation: Positions of the task's own validation part; empty if it has none.
        test: uint8 (m, s, s, 3), memory-mapped.
        test_labels: int64 (m,) or (m, c).
        skipped: Names of images that were left out because they are corrupt.
        train_groups: int64 (n,), see `Part.groups`; None where each image stands for itself.
    """

    train: Pixels
    train_labels: NDArray[np.int64]
    given_validation: NDArray[np.int64]
    test: Pixels
    test_labels: NDArray[np.int64]
    skipped: tuple[str, ...]
    train_groups: NDArray[np.int64] | None = None


def prepare(task: Task, store_size: int, folder: Path, *, skip_corrupt: bool = False) -> None:
    """Decodes all parts of a task into a folder.

    Images are brought to one square size, `store_size` or the longest short side in a sample of
    the images if that is smaller: the short side is resized to it (bilinear, antialiased when
    shrinking) and the centre is kept.

    Memory does not grow with the number of images: some chunks of them are held at store size, and
    in each thread a few, or one large one, in their original size.

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
        DataError: The task cannot be read.
        PluginError: The task gives anything but an image for each position.
    """
    index = task.index()
    read = reader(task, store_size)
    side, block = _sample(read, "train", range(len(index.parts["train"])), skip_corrupt)
    size = min(store_size, side)
    skipped: list[str] = []
    groups = {
        "train": [name for name in ("train", "validation") if name in index.parts],
        "test": ["test"],
    }
    validation_from = None
    for group, parts in groups.items():
        total = sum(len(index.parts[p]) for p in parts)
        labels: list[Any] = []
        together = joined_groups([index.parts[p] for p in parts]) if group == "train" else None
        kept: list[int] = []
        start = 0
        with RowFile(folder / f"{group}.npy", (total, size, size, 3), np.uint8) as pixels:
            for part in parts:
                if part == "validation":
                    validation_from = len(labels)
                facts = index.parts[part]
                for positions, images in _decoded(
                    read, part, range(len(facts)), size, block, skipped if skip_corrupt else None
                ):
                    pixels.append(images)
                    labels += facts.labels[positions].tolist()
                    kept += [start + position for position in positions]
                start += len(facts)
        form = index.parts[group].labels.shape[1:]
        np.save(folder / f"{group}_labels.npy", np.array(labels, dtype=np.int64).reshape(-1, *form))
        if together is not None:
            np.save(folder / f"{group}_groups.npy", together[kept])
    about = {"skipped": skipped, "validation_from": validation_from, "size": size}
    (folder / "facts.json").write_text(json.dumps(about), encoding="utf-8")


def open_images(folder: Path) -> ImageSet:
    """Opens what `prepare` wrote."""
    facts = from_json((folder / "facts.json").read_bytes())
    labels = np.load(folder / "train_labels.npy")
    groups = folder / "train_groups.npy"
    start = facts["validation_from"]
    return ImageSet(
        train=np.load(folder / "train.npy", mmap_mode="r"),
        train_labels=labels,
        given_validation=np.arange(len(labels) if start is None else start, len(labels)),
        test=np.load(folder / "test.npy", mmap_mode="r"),
        test_labels=np.load(folder / TEST_LABELS),
        skipped=tuple(facts["skipped"]),
        train_groups=np.load(groups) if groups.exists() else None,
    )


def read_differently(task: str, side: int, usual: int) -> DataError:
    """The error for a task of which other images can be read at one size than at the usual one."""
    return DataError(
        f"task {task!r}: other images can be read at {side} pixels than at {usual}; mend or remove "
        "the corrupt ones"
    )


def decode_images(
    task: Task, part: str, positions: Sequence[int], size: int, *, skip_corrupt: bool = False
) -> Iterator[tuple[list[int], Pixels]]:
    """Images of a part in order, decoded in threads a little ahead, as squares of one size.

    The short side is resized to `size` (bilinear, antialiased when shrinking) and the centre is
    kept. Memory does not grow with the number of images.

    Args:
        task: The task.
        part: ``train``, ``validation`` or ``test``.
        positions: Of the images in the part.
        size: Side of the squares, pixels.
        skip_corrupt: Whether images that cannot be decoded are left out.

    Yields:
        Positions of k images and their pixels, uint8 (k, size, size, 3).

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
    """
    read = reader(task, size)
    _, block = _sample(read, part, positions, skip_corrupt)
    yield from _decoded(read, part, positions, size, block, [] if skip_corrupt else None)


def _sample(
    read: Reader, part: str, positions: Sequence[int], skip_corrupt: bool
) -> tuple[int, int]:
    """Longest short side among some images, and how many of their size a thread may hold.

    Storing images larger than they are would invent pixels.
    """
    count = len(positions)
    sample = np.unique(np.linspace(0, count - 1, num=min(_SAMPLE, count)).astype(int))
    side, largest = 1, 1
    chosen = [positions[i] for i in sample.tolist()]
    for _, image in _good(read, part, chosen, [] if skip_corrupt else None):
        side, largest = max(side, min(image.shape[:2])), max(largest, image.nbytes)
    return side, max(1, min(_CHUNK, _AT_ONCE // largest))


def read_good(
    task: Task, positions: Sequence[int], skip_corrupt: bool, size: int | None = None
) -> tuple[list[Pixels], list[int]]:
    """Train images one by one, and the positions of those that could be read.

    Args:
        task: The task.
        positions: Of the images.
        skip_corrupt: Whether those that cannot be decoded are left out.
        size: What `fit` larger ones to, each as soon as it is read; None to leave all as they are.

    Raises:
        CorruptImageError: One cannot be decoded and `skip_corrupt` is off.
    """
    read = reader(task, size)
    images: list[Pixels] = []
    kept: list[int] = []
    for position, image in _good(read, "train", positions, [] if skip_corrupt else None):
        images.append(image if size is None or min(image.shape[:2]) < size else fit(image, size))
        kept.append(position)
    return images, kept


def _good(
    read: Reader, part: str, positions: Sequence[int], skipped: list[str] | None
) -> Iterator[tuple[int, Pixels]]:
    """Images one by one; names of corrupt ones go to `skipped`, or one stops everything."""
    for position in positions:
        try:
            yield position, read(part, [position])[0]
        except CorruptImageError as error:
            if skipped is None:
                raise
            skipped.append(error.name)


def _decoded(
    read: Reader,
    part: str,
    positions: Sequence[int],
    size: int,
    block: int,
    skipped: list[str] | None,
) -> Iterator[tuple[list[int], Pixels]]:
    """Images of a part in order, chunk by chunk, decoded in threads a little ahead.

    Names of corrupt images go to `skipped`; where that is None one stops everything.
    """

    def chunk(start: int) -> tuple[list[int], Pixels, list[str]]:
        stop = min(start + _CHUNK, len(positions))
        pixels = np.empty((stop - start, size, size, 3), dtype=np.uint8)
        kept: list[int] = []
        bad: list[str] = []
        for first in range(start, stop, block):
            some = positions[first : min(first + block, stop)]
            try:
                images = list(zip(some, read(part, some), strict=True))
            except CorruptImageError:
                if skipped is None:
                    raise
                images = list(_good(read, part, some, bad))
            for position, image in images:
                pixels[len(kept)] = fit(image, size)
                kept.append(position)
        return kept, pixels[: len(kept)], bad

    threads = min(_THREADS, usable_cores())
    pending: deque[Future[tuple[list[int], Pixels, list[str]]]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        starts = iter(range(0, len(positions), _CHUNK))
        try:
            pending.extend(pool.submit(chunk, s) for s in islice(starts, threads + 2))
            while pending:
                kept, pixels, bad = pending.popleft().result()
                if skipped is not None:
                    skipped.extend(bad)
                yield kept, pixels
                pending.extend(pool.submit(chunk, s) for s in islice(starts, 1))
        finally:
            for left in pending:
                left.cancel()


def fit(image: Pixels, size: int) -> Pixels:
    """One RGB image as (size, size, 3): short side resized, centre kept.

    Of an image more than `STRIP` times as long as wide only the centre is resized: the same pixels
    up to rounding, without the memory that the rest would take.
    """
    height, width = image.shape[:2]
    if height == size and width == size:
        return image
    scale = size / min(height, width)
    new = (max(size, round(width * scale)), max(size, round(height * scale)))
    left, top = (new[0] - size) // 2, (new[1] - size) // 2
    right, bottom = left + size, top + size
    whole = Image.fromarray(image)
    if max(height, width) > STRIP * min(height, width):
        x, y = width / new[0], height / new[1]
        centre = (left * x, top * y, right * x, bottom * y)
        return np.asarray(whole.resize((size, size), Image.Resampling.BILINEAR, centre))
    resized = whole.resize(new, Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, right, bottom)))
