"""Arrays on disk that are written piece by piece."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LARGE = 2**28
"""Bytes of a file from which on it matters how much of it is read."""


class RowFile:
    """An ``.npy`` file that is filled row by row, from the first to the last.

    Its space is taken from the disk at once, so that a disk too small is noticed before the work.
    Rows are written as to any file: unlike a memory-mapped array it takes no memory of the process,
    however large it becomes.

    Args:
        path: The file.
        shape: Rows that are expected at most, and the shape of each.
        dtype: Of the elements.
        keep: Rows at the beginning of a file that was left by `stop` and that are to be kept.

    Attributes:
        rows: How many there are.
        sha256: Of the whole file once it is closed, taken while it was written; None where it was
            gone on with, or has fewer rows than were expected.

    Raises:
        OSError: There is no room for it.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: DTypeLike, *, keep: int = 0
    ) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self.rows = keep
        self.sha256: str | None = None
        head = _header(shape, self._dtype)
        self._row = int(np.prod(shape[1:], dtype=np.int64)) * self._dtype.itemsize
        self._start = len(head)
        self._digest = None if keep else hashlib.sha256(head)
        self._file = path.open("r+b" if keep else "w+b")
        try:
            self._file.write(head)
            total = self._start + self._row * shape[0]
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, total)
            self._file.seek(self._start + self._row * keep)
        except BaseException:
            self._file.close()
            raise

    def append(self, rows: NDArray[Any]) -> None:
        """Writes further rows, (k, ...)."""
        if rows.shape[1:] != self._shape[1:]:
            raise ValueError(f"rows of shape {rows.shape[1:]} in a file of {self._shape[1:]}")
        data = np.ascontiguousarray(rows, dtype=self._dtype).data
        self._file.write(data)
        if self._digest is not None:
            self._digest.update(data)
        self.rows += len(rows)

    def flush(self) -> None:
        """Waits until what was written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Ends the file after the rows that were written, also if more had been expected."""
        if self.rows != self._shape[0]:
            head = _header((self.rows, *self._shape[1:]), self._dtype)
            if len(head) != self._start:
                raise ValueError("the header of a shorter array has another length")
            self._file.seek(0)
            self._file.write(head)
            self._file.truncate(self._start + self._row * self.rows)
        elif self._digest is not None:
            self.sha256 = self._digest.hexdigest()
        self._file.close()

    def stop(self) -> None:
        """Leaves the file as it is, to be gone on with."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()


class Images(Protocol):
    """Stored images as they are read: an array, or what gives the same rows when asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, s, s, 3)."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]: ...


class SomeRows:
    """Some rows of an array as one reads them: a slice at a time, and never all at once.

    Args:
        array: (n, ...), perhaps memory-mapped or decoded when it is read.
        positions: (k,), of the rows.
    """

    def __init__(self, array: NDArray[Any] | Images, positions: NDArray[np.int64]) -> None:
        self._array, self._positions = array, positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, some: slice) -> NDArray[Any]:
        return self._array[self._positions[some]]


def randomly_read(array: NDArray[Any]) -> NDArray[Any]:
    """The same array for reading single rows here and there.

    Of a large file that is memory-mapped the system reads on after each row, mostly what nobody
    wants: 128 KB for 2 KB. So such a file is mapped a second time, with the advice not to. What
    fits into memory with ease is better read on and left as it is.
    """
    whole = _mapped(array)
    if whole is None or not is_large(array) or not hasattr(mmap, "MADV_RANDOM"):
        return array
    return _advised(str(whole.filename), whole.dtype.str, whole.offset, whole.shape)


def is_large(array: NDArray[Any]) -> bool:
    """Whether an array is a memory-mapped file of which it matters how much is read."""
    return _mapped(array) is not None and array.nbytes >= _LARGE


def _mapped(array: NDArray[Any]) -> np.memmap[Any, Any] | None:
    """The memory-mapped file that an array is the whole of; None where it is none, or a part."""
    whole: Any = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if not isinstance(whole, np.memmap) or whole.filename is None:
        return None
    same = whole.__array_interface__ == {**array.__array_interface__, "data": _start(whole)}
    return whole if same and _start(array)[0] == _start(whole)[0] else None


def _start(array: NDArray[Any]) -> tuple[int, bool]:
    """Where an array begins in memory, and whether it may only be read."""
    start: tuple[int, bool] = array.__array_interface__["data"]
    return start


@lru_cache(maxsize=64)
def _advised(file: str, dtype: str, offset: int, shape: tuple[int, ...]) -> NDArray[Any]:
    mapped = np.memmap(file, dtype, "r", offset, shape)
    mapped._mmap.madvise(mmap.MADV_RANDOM)  # type: ignore[attr-defined]
    return np.asarray(mapped)


def same_file(file: Path, target: Path) -> None:
    """The same file in a second place, so that the first stays good until the second is."""
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, target)


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """What an ``.npy`` file begins with; numpy leaves room in it for any number of rows."""
    head = io.BytesIO()
    facts = {
        "shape": shape,
        "fortran_order": False,
        "descr": np.lib.format.dtype_to_descr(dtype),
    }
    np.lib.format.write_array_header_1_0(head, facts)
    return head.getvalue()


def convert(path: Path, target: Path, dtype: DTypeLike, rows: int = 1024) -> None:
    """Writes an ``.npy`` file again with another type, a few rows at a time."""
    array = np.load(path, mmap_mode="r")
    with RowFile(target, array.shape, dtype) as file:
        for start in range(0, len(array), rows):
            file.append(np.asarray(array[start : start + rows], dtype=dtype))
