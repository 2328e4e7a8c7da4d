"""Arrays that are handed on: what one component does with them, the next one must not see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from distbench.errors import PluginError

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


@contextmanager
def naming_writers(name: str) -> Iterator[None]:
    """Names the component that writes into a read-only array, as all are that it is handed.

    Raises:
        PluginError: It does.
    """
    try:
        yield
    except ValueError as error:
        if "read-only" in str(error):
            raise writes(name) from error
        raise


def writes(name: str) -> PluginError:
    """The error that names a component which writes where it must not.

    Whose array it was is not said: it may be one that the component made read-only itself.
    """
    return PluginError(
        name,
        "it writes into a read-only array; what a component is handed is read-only, and so are "
        "views of it: work on a copy, e.g. x = x.copy()",
    )
