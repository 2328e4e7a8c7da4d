"""Square images as JPEG files, one behind the other in one file, and read like an array."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.storage.system.machine import usable_cores

QUALITY = 90
"""Of the JPEG files; colours have half the resolution, as in most photographs."""

_SHARE = 16
"""Images that a thread takes at once."""

_one_at_a_time = threading.Lock()
_coding = ThreadPoolExecutor(usable_cores(), "jpeg")


class JpegFile:
    """A file of JPEG images that is filled from the first to the last.

    Beside it a file of the same name with the suffix ``.ends`` holds where each image ends.

    Args:
        path: The file.
        size: Side of the images, pixels.
        keep: Images at the beginning of a file that was left by `stop` and that are to be kept.

    Attributes:
        rows: How many there are.
        sha256: As `RowFile` has it.
    """

    def __init__(self, path: Path, size: int, *, keep: int = 0) -> None:
        self._size = size
        ends = np.fromfile(ends_of(path), "<i8", keep) if keep else np.empty(0, "<i8")
        self.rows, self._end = keep, int(ends[-1]) if keep else 0
        self.sha256: str | None = None
        self._digest = None if keep else hashlib.sha256()
        mode = "r+b" if keep else "w+b"
        self._file, self._ends = path.open(mode), ends_of(path).open(mode)
        for file, length in ((self._file, self._end), (self._ends, 8 * keep)):
            file.truncate(length)
            file.seek(length)

    def append(self, rows: NDArray[np.uint8]) -> None:
        """Writes further images, (k, s, s, 3)."""
        if rows.shape[1:] != (self._size, self._size, 3):
            raise ValueError(f"images of shape {rows.shape[1:]} in a file of side {self._size}")
        for data in _shared(lambda some: [encoded(row) for row in rows[some]], len(rows)):
            self._file.write(data)
            if self._digest is not None:
                self._digest.update(data)
            self._end += len(data)
            self._ends.write(np.array([self._end], "<i8").tobytes())
        self.rows += len(rows)

    def flush(self) -> None:
        """Waits until what was written is on the disk."""
        for file in (self._file, self._ends):
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Ends the file after the images that were written."""
        self.sha256 = self._digest.hexdigest() if self._digest is not None else None
        self.stop()

    def stop(self) -> None:
        """Leaves the file as it is, to be gone on with."""
        self._file.close()
        self._ends.close()


class JpegRows:
    """The images of a finished `JpegFile`, decoded when they are read.

    What a slice or an array of positions asks for is decoded by as many threads as there are cores;
    the pixels do not depend on their number.

    Args:
        path: The file.
        size: Side of the images, pixels.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, size: int) -> None:
        self._starts = np.concatenate([np.zeros(1, "<i8"), np.fromfile(ends_of(path), "<i8")])
        self._size = size
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._file)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, s, s, 3)."""
        return len(self), self._size, self._size, 3

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]:
        wanted = np.arange(len(self))[key]
        if wanted.ndim == 0:
            return self._decoded(int(wanted))
        rows = np.empty((wanted.size, *self.shape[1:]), dtype=np.uint8)

        def decode(some: slice) -> list[None]:
            for i in range(len(wanted))[some]:
                rows[i] = self._decoded(int(wanted.flat[i]))
            return []

        _shared(decode, len(wanted))
        return rows

    def _decoded(self, position: int) -> NDArray[np.uint8]:
        start, end = int(self._starts[position]), int(self._starts[position + 1])
        return decoded(_read_at(self._file, start, end - start))


def ends_of(path: Path) -> Path:
    """The file beside one of JPEG images that says where each ends."""
    return path.with_suffix(".ends")


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    """An image (h, w, 3) as a JPEG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    """The image (h, w, 3) in a JPEG file."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)))


def as_kept(pixels: NDArray[np.uint8], store: str) -> NDArray[np.uint8]:
    """Images (n, s, s, 3) as they come back from a store of a kind."""
    if store != "jpeg":
        return pixels
    return np.stack([decoded(encoded(image)) for image in pixels])


def _shared(work: Callable[[slice], list[Any]], count: int) -> list[Any]:
    """What comes of some images, done by several threads, in order."""
    slices = [slice(start, start + _SHARE) for start in range(0, count, _SHARE)]
    parts = _coding.map(work, slices) if len(slices) > 1 else map(work, slices)
    return [one for part in parts for one in part]


def _read_at(file: int, start: int, length: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file, length, start)
    with _one_at_a_time:  # a system without it
        os.lseek(file, start, os.SEEK_SET)
        return os.read(file, length)
