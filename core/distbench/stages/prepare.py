"""Stage 1: decode the images of a task once, into memory-mapped uint8 arrays."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distbench.arrays import flush, new_array
from distbench.components import Task
from distbench.data import Part
from distbench.errors import CorruptImageError

Pixels = NDArray[np.uint8]

_CHUNK = 256
_AHEAD = 4


@dataclass(frozen=True)
class ImageSet:
    """The decoded images of a task.

    Attributes:
        train: uint8 (n, s, s, 3), memory-mapped; a given validation part comes last.
        train_labels: int64 (n,), `UNLABELLED` where the class is not known.
        given_validation: Positions of the task's own validation part; empty if it has none.
        test: uint8 (m, s, s, 3), memory-mapped.
        test_labels: int64 (m,).
        skipped: Names of images that were left out because they are corrupt.
    """

    train: Pixels
    train_labels: NDArray[np.int64]
    given_validation: NDArray[np.int64]
    test: Pixels
    test_labels: NDArray[np.int64]
    skipped: tuple[str, ...]


def prepare(task: Task, store_size: int, folder: Path, *, skip_corrupt: bool = False) -> None:
    """Decodes all parts of a task into a folder.

    Images are brought to one square size, `store_size` or the longest short side among the first
    images if that is smaller: the short side is resized to it (box filter when shrinking, else
    bilinear, antialiased) and the centre is kept.

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
        DataError: The task cannot be read.
    """
    index = task.index()
    size = min(store_size, _native_size(task, len(index.parts["train"]), skip_corrupt))
    skipped: list[str] = []
    groups = {
        "train": [name for name in ("train", "validation") if name in index.parts],
        "test": ["test"],
    }
    validation_from = None
    for group, parts in groups.items():
        total = sum(len(index.parts[p]) for p in parts)
        path = folder / f"{group}.npy"
        pixels = new_array(path, (total, size, size, 3), np.uint8)
        labels: list[int] = []
        for part in parts:
            if part == "validation":
                validation_from = len(labels)
            for position, image in _decoded(
                task, part, index.parts[part], size, skipped if skip_corrupt else None
            ):
                pixels[len(labels)] = image
                labels.append(int(index.parts[part].labels[position]))
        flush(pixels)
        del pixels
        if len(labels) < total:
            _shorten(path, len(labels))
        np.save(folder / f"{group}_labels.npy", np.array(labels, dtype=np.int64))
    facts = {"skipped": skipped, "validation_from": validation_from, "size": size}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def open_images(folder: Path) -> ImageSet:
    """Opens what `prepare` made."""
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    labels = np.load(folder / "train_labels.npy")
    start = facts["validation_from"]
    return ImageSet(
        train=np.load(folder / "train.npy", mmap_mode="r"),
        train_labels=labels,
        given_validation=np.arange(len(labels) if start is None else start, len(labels)),
        test=np.load(folder / "test.npy", mmap_mode="r"),
        test_labels=np.load(folder / "test_labels.npy"),
        skipped=tuple(facts["skipped"]),
    )


def _native_size(task: Task, count: int, skip_corrupt: bool) -> int:
    """Longest short side among a sample of train images: storing more would invent pixels."""
    sample = np.unique(np.linspace(0, count - 1, num=min(64, count)).astype(int))
    sides = [min(image.shape[:2]) for image in read_good(task, sample.tolist(), skip_corrupt)[0]]
    return int(max(sides, default=1))


def read_good(
    task: Task, positions: Sequence[int], skip_corrupt: bool
) -> tuple[list[Pixels], list[int]]:
    """Train images one by one, and the positions of those that could be read.

    Raises:
        CorruptImageError: One cannot be decoded and `skip_corrupt` is off.
    """
    images: list[Pixels] = []
    kept: list[int] = []
    for position in positions:
        try:
            images.append(task.read("train", [position])[0])
            kept.append(position)
        except CorruptImageError:
            if not skip_corrupt:
                raise
    return images, kept


def _decoded(
    task: Task, part: str, facts: Part, size: int, skipped: list[str] | None
) -> Iterator[tuple[int, Pixels]]:
    """All images of a part in order, decoded in threads a few chunks ahead.

    Names of corrupt images go to `skipped`; where that is None one stops everything.
    """

    def chunk(start: int) -> tuple[list[tuple[int, Pixels]], list[str]]:
        positions = range(start, min(start + _CHUNK, len(facts)))
        try:
            images = task.read(part, positions)
            return [(p, fit(i, size)) for p, i in zip(positions, images, strict=True)], []
        except CorruptImageError:
            if skipped is None:
                raise
        good: list[tuple[int, Pixels]] = []
        bad: list[str] = []
        for position in positions:
            try:
                good.append((position, fit(task.read(part, [position])[0], size)))
            except CorruptImageError as error:
                bad.append(error.name)
        return good, bad

    with ThreadPoolExecutor(max_workers=2) as pool:
        starts = iter(range(0, len(facts), _CHUNK))
        pending = deque(pool.submit(chunk, s) for s in _first(starts, _AHEAD))
        while pending:
            good, bad = pending.popleft().result()
            if skipped is not None:
                skipped.extend(bad)
            yield from good
            for start in _first(starts, 1):
                pending.append(pool.submit(chunk, start))


def _first(items: Iterator[int], count: int) -> list[int]:
    return [item for _, item in zip(range(count), items, strict=False)]


def fit(image: Pixels, size: int) -> Pixels:
    """One RGB image as (size, size, 3): short side resized, centre kept."""
    height, width = image.shape[:2]
    if height == size and width == size:
        return image
    scale = size / min(height, width)
    new = (max(size, round(width * scale)), max(size, round(height * scale)))
    resized = Image.fromarray(image).resize(new, Image.Resampling.BILINEAR)
    left, top = (new[0] - size) // 2, (new[1] - size) // 2
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def _shorten(path: Path, count: int) -> None:
    """Drops the rows at the end of an array file that skipped images left unused."""
    array = np.load(path, mmap_mode="r")
    draft = path.with_name(f"{path.stem}-short.npy")
    kept = new_array(draft, (count, *array.shape[1:]), array.dtype)
    for start in range(0, count, _CHUNK):
        kept[start : min(start + _CHUNK, count)] = array[start : min(start + _CHUNK, count)]
    flush(kept)
    del kept, array
    draft.replace(path)
