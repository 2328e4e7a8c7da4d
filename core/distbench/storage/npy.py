"""Arrays on disk that are written piece by piece."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray


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

    Raises:
        OSError: There is no room for it.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: DTypeLike, *, keep: int = 0
    ) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self.rows = keep
        head = _header(shape, self._dtype)
        self._row = int(np.prod(shape[1:], dtype=np.int64)) * self._dtype.itemsize
        self._start = len(head)
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
        self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
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
