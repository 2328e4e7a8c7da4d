"""Decoded images, written chunk by chunk: an interruption loses little."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.engine.stages.decode import Decoded
from distbench.storage.artifact_cache.verification import note_digest
from distbench.storage.atomic import write_atomic
from distbench.storage.jpegs import JpegFile, ends_of
from distbench.storage.npy import RowFile, same_file

JPEGS = ".jpegs"
"""Suffix of a file of JPEG images."""

_KEEP_SECONDS = 30.0
"""What is lost at most when the process is killed."""


class ImageWriter:
    """One array of a task's images in the making.

    A small file beside it says how many images were gone through and are safely on the disk; it is
    written after they are. Whoever opens the same folder again goes on from there.

    Args:
        folder: Where it is written.
        group: ``train`` or ``test``.
        total: How many images there are.
        size: Their side, pixels.
        store: ``pixels`` or ``jpeg``.

    Attributes:
        done: How many images were gone through.
        skipped: Names of those that could not be decoded.
    """

    def __init__(
        self, folder: Path, group: str, total: int, size: int, store: str = "pixels"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._how = {"total": total, "size": size}
        suffix = JPEGS if store == "jpeg" else ".npy"
        self._path, self._progress = folder / f"{group}{suffix}", folder / f"{group}.progress.json"
        self.done, self._bad, self.skipped = self._resumed()
        keep = self.done - len(self._bad)
        self._file: RowFile | JpegFile
        if store == "jpeg":
            self._file = JpegFile(self._path, size, keep=keep)
        else:
            self._file = RowFile(self._path, (total, size, size, 3), np.uint8, keep=keep)
        self._kept = time.monotonic()

    def _resumed(self) -> tuple[int, list[int], list[str]]:
        try:
            held: dict[str, Any] = from_json(self._progress.read_bytes())
            if held["how"] == self._how and self._path.is_file():
                return int(held["done"]), list(held["bad"]), list(held["skipped"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, [], []

    def append(self, start: int, wanted: range, chunk: Decoded) -> None:
        """Writes what came of the next images.

        Args:
            start: Where their part begins among all images.
            wanted: Positions in the part that are decoded.
            chunk: What came of some of them.
        """
        good = set(chunk.kept)
        some = wanted[chunk.start : chunk.stop]
        self._bad += [start + position for position in some if position not in good]
        self.skipped += chunk.skipped
        self._file.append(chunk.pixels)
        self.done += len(some)
        if time.monotonic() - self._kept >= _KEEP_SECONDS:
            self.keep()

    def kept(self) -> NDArray[np.int64]:
        """Which of the images are in the array, in order."""
        good = np.ones(self.done, bool)
        good[self._bad] = False
        return np.flatnonzero(good)

    def keep(self) -> None:
        """Makes safe what there is."""
        self._file.flush()
        facts = {"done": self.done, "bad": self._bad, "skipped": self.skipped}
        write_atomic(self._progress, json.dumps({"how": self._how, **facts}))
        self._kept = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.keep()
        finally:
            self._file.stop() if kind else self._file.close()

    def finish(self, folder: Path) -> None:
        """Puts the array into a folder, and notes its digest where that is known."""
        target = folder / self._path.name
        if folder != self._path.parent:
            same_file(self._path, target)
            if self._path.suffix == JPEGS:
                same_file(ends_of(self._path), ends_of(target))
        else:
            self._progress.unlink(missing_ok=True)
        if self._file.sha256 is not None:
            note_digest(target, self._file.sha256)
