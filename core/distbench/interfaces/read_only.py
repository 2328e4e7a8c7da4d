"""Arrays that are handed on: what one component does with them, the next one must not see."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

A = TypeVar("A", bound=np.generic)


def read_only(array: NDArray[A]) -> NDArray[A]:
    """A view of an array that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def sealed(value: Any) -> Any:
    """What several components share: arrays in it, and in tuples and lists, become read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, (tuple, list)):
        for part in value:
            sealed(part)
    return value
