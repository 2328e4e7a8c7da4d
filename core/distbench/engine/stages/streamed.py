"""Images of a gallery that are decoded whenever they are read: their pixels are never stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.engine.stages.decode import decoded, fit, sample
from distbench.engine.stages.prepare import ImageSet
from distbench.engine.stages.reader import Pixels, Reader, reader
from distbench.interfaces.task import Part, Task
from distbench.planning.split import joined_groups
from distbench.storage.atomic import write_atomic
from distbench.storage.jpegs import as_kept
from distbench.storage.system.machine import usable_cores

GALLERIES = "galleries"
"""Of artifact: a folder that `look_through` fills."""

_FACTS = "facts.json"

_KEEP_SECONDS = 30.0
"""What is lost at most when looking for corrupt images is killed."""


class StreamedRows:
    """Train images of a task, read like an array: the rows that `prepare` would have stored.

    What a slice or an array of positions asks for is decoded by as many threads as there are cores.

    Args:
        read: Reads images.
        counts: Images of each part, by its name, in the order of the rows.
        kept: Positions (n,) of the rows among the images of all parts.
        size: Side of the squares, pixels.
        block: How many a thread reads before it shrinks them, as `sample` gives it.
        store: How `prepare` would have kept them: ``pixels`` or ``jpeg``.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        read: Reader,
        counts: dict[str, int],
        kept: NDArray[np.int64],
        size: int,
        block: int,
        store: str,
    ) -> None:
        self._read, self._kept, self._size = read, kept, size
        self._block, self._store = block, store
        self._names = list(counts)
        self._starts = np.cumsum([0, *counts.values()])[:-1]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, s, s, 3)."""
        return len(self), self._size, self._size, 3

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, key: Any, /) -> Pixels:
        wanted = np.atleast_1d(self._kept[key])
        rows = np.empty((len(wanted), *self.shape[1:]), dtype=np.uint8)
        threads = usable_cores()
        share = max(1, min(self._block, -(-len(wanted) // threads)))

        def decode(start: int) -> None:
            some = slice(start, start + share)
            for number, image in enumerate(self._images(wanted[some]), start):
                rows[number] = fit(image, self._size)
            rows[some] = as_kept(rows[some], self._store)

        if len(wanted) == 1:
            decode(0)
        else:
            with ThreadPoolExecutor(max_workers=threads) as pool:
                list(pool.map(decode, range(0, len(wanted), share)))
        return rows if np.ndim(self._kept[key]) else rows[0]

    def _images(self, wanted: NDArray[np.int64]) -> Iterator[Pixels]:
        """Whole images in the order in which they are wanted, a part of the task at a time."""
        parts = np.searchsorted(self._starts, wanted, side="right") - 1
        edges = np.flatnonzero(np.diff(parts)) + 1
        for some, among in zip(np.split(wanted, edges), np.split(parts, edges), strict=True):
            if len(some):
                part = int(among[0])
                yield from self._read(self._names[part], (some - self._starts[part]).tolist())


def look_through(
    task: Task, store_size: int, folder: Path, unfinished: Path, *, skip_corrupt: bool
) -> None:
    """Finds out in which size a gallery's images are shown, and which of them can be decoded.

    Unless corrupt images are to be skipped, only a sample is decoded: who reads them later stops at
    the first that is corrupt, as `prepare` does.

    Args:
        task: The gallery.
        store_size: Side of the squares at most, pixels.
        folder: Takes what was found.
        unfinished: Where to keep what there is when the work is interrupted, and where to go on
            from; nobody else may use it meanwhile.
        skip_corrupt: Whether images that cannot be decoded are left out.
    """
    parts = _parts(task)
    read = reader(task, store_size)
    side, block = sample(read, "train", range(len(parts["train"])), skip_corrupt)
    size = min(store_size, side)
    bad = _corrupt(read, parts, size, block, unfinished) if skip_corrupt else []
    names = [name for part in parts.values() for name in part.names]
    facts = {"size": size, "block": block, "bad": bad, "skipped": [names[i] for i in bad]}
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _corrupt(
    read: Reader, parts: dict[str, Part], size: int, block: int, unfinished: Path
) -> list[int]:
    """Positions of the images that cannot be decoded, among those of all parts."""
    unfinished.mkdir(parents=True, exist_ok=True)
    progress = unfinished / "looked.json"
    done: int = 0
    bad: list[int] = []
    if progress.is_file():
        done, bad = from_json(progress.read_bytes())
    start, written = 0, time.monotonic()
    try:
        for name, part in parts.items():
            left = range(min(max(done - start, 0), len(part)), len(part))
            for chunk in decoded(read, name, left, size, block, True):
                good = set(chunk.kept)
                some = left[chunk.start : chunk.stop]
                bad += [start + position for position in some if position not in good]
                done += len(some)
                if time.monotonic() - written >= _KEEP_SECONDS:
                    write_atomic(progress, json.dumps([done, bad]))
                    written = time.monotonic()
            start += len(part)
    finally:
        write_atomic(progress, json.dumps([done, bad]))
    return bad


def open_streamed(task: Task, store_size: int, folder: Path, store: str) -> ImageSet:
    """The train images of a gallery that `look_through` went through; test images are left out.

    Args:
        task: The gallery.
        store_size: As `look_through` took it.
        folder: What it filled.
        store: How `prepare` would have kept the images: ``pixels`` or ``jpeg``.
    """
    facts = from_json((folder / _FACTS).read_bytes())
    parts = _parts(task)
    counts = {name: len(part) for name, part in parts.items()}
    good = np.ones(sum(counts.values()), dtype=bool)
    good[facts["bad"]] = False
    kept = np.flatnonzero(good)
    labels = np.concatenate([part.labels for part in parts.values()]).astype(np.int64)
    groups = joined_groups([*parts.values()])
    size = facts["size"]
    return ImageSet(
        train=StreamedRows(reader(task, store_size), counts, kept, size, facts["block"], store),
        train_labels=labels[kept],
        given_validation=np.arange(int((kept < counts["train"]).sum()), len(kept)),
        test=np.empty((0, size, size, 3), dtype=np.uint8),
        test_labels=np.empty((0, *labels.shape[1:]), dtype=np.int64),
        skipped=tuple(facts["skipped"]),
        train_groups=None if groups is None else groups[kept],
    )


def _parts(task: Task) -> dict[str, Part]:
    """The parts whose images are stored as train images, in their order."""
    parts = task.index().parts
    return {name: parts[name] for name in ("train", "validation") if name in parts}
