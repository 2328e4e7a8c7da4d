"""Some images of a gallery, stored under the positions that they have in it; the others are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from distbench.storage.npy import Images, randomly_read

PICKED = "picked"
"""Of artifact: a folder that `write_picked` fills."""

_BLOCK = 256
"""Images that are held at a time."""


class PickedRows:
    """Rows that are read by their positions in an array of which they are all that is stored.

    Args:
        rows: (k, ...), those that are stored.
        positions: (k,) ascending, theirs in the array.
        count: Rows of the array.
    """

    def __init__(self, rows: NDArray[np.uint8], positions: NDArray[np.int64], count: int) -> None:
        self._rows, self._positions, self._count = rows, positions, count

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, s, s, 3), as of the whole array."""
        return self._count, *self._rows.shape[1:]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]:
        whole = isinstance(key, slice)
        wanted = np.arange(*key.indices(self._count)) if whole else np.asarray(key)
        places = np.minimum(np.searchsorted(self._positions, wanted), len(self._positions) - 1)
        if not np.array_equal(self._positions[places], wanted):
            missing = np.setdiff1d(wanted, self._positions)
            raise IndexError(f"image {missing[0]} of the gallery was not retrieved")
        return self._rows[places]


def write_picked(images: Images, positions: NDArray[np.int64], folder: Path) -> None:
    """Stores some images of a gallery.

    Args:
        images: uint8 (n, s, s, 3), perhaps decoded when they are read.
        positions: (k,) of those that are wanted, ascending; at least one.
        folder: Takes them.
    """
    shape = (len(positions), *images.shape[1:])
    stored = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    for start in range(0, len(positions), _BLOCK):
        stored[start : start + _BLOCK] = images[positions[start : start + _BLOCK]]
    stored.flush()
    np.save(folder / "positions.npy", positions)


def open_picked(folder: Path, count: int) -> PickedRows:
    """Opens what `write_picked` wrote.

    Args:
        folder: Where it lies.
        count: Images of the gallery.
    """
    rows = cast(NDArray[np.uint8], np.load(folder / "images.npy", mmap_mode="r"))
    return PickedRows(np.asarray(randomly_read(rows)), np.load(folder / "positions.npy"), count)
