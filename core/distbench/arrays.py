"""Arrays on disk that are written piece by piece."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def new_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A memory-mapped array in a new ``.npy`` file, its space taken from the disk at once.

    Without that, a disk that runs full while the array is filled would kill the process.

    Raises:
        OSError: There is no room for it.
    """
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def flush(array: NDArray[Any]) -> None:
    """Hands what was written to a memory-mapped array to the system."""
    if isinstance(array, np.memmap):
        array.flush()
