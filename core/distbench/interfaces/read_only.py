"""Arrays that are handed on: what one component does with them, the next one must not see."""

from __future__ import annotations

from typing import Any, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

A = TypeVar("A", bound=np.generic)


def read_only(array: NDArray[A]) -> NDArray[A]:
    """A view of an array that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def checksum(value: Any) -> int:
    """Of the arrays in what several components share, as `sealed` finds them, and in sparse ones.

    A tensor made of a read-only array can be written, and the array is then another one.
    """
    total = 0
    for array in _arrays_in(value):
        total = crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, total)
    return total


def _arrays_in(value: Any) -> list[NDArray[Any]]:
    if isinstance(value, np.ndarray):
        return [value] if value.size and not value.dtype.hasobject else []
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _arrays_in(part)]
    parts = [getattr(value, name, None) for name in ("data", "indices", "indptr")]
    return [part for part in parts if isinstance(part, np.ndarray)]


def sealed(value: Any) -> Any:
    """What several components share: arrays in it, and in tuples and lists, become read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, (tuple, list)):
        for part in value:
            sealed(part)
    return value
