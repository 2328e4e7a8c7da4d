"""What a component raises where it is called, told by its name."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from distbench.errors import (
    Declined,
    DistbenchError,
    PluginError,
    interrupts,
    machine_gives_out,
    reason_of,
)

T = TypeVar("T")


@contextmanager
def naming(name: str, doing: str) -> Iterator[None]:
    """Names the component or plugin that is asked to do something, whatever it raises.

    What it declines, errors in distbench's own words, interruptions by a person and a machine that
    gives out pass as they are.

    Args:
        name: Of the component or plugin.
        doing: What it is asked to do, e.g. ``"score"``.

    Raises:
        PluginError: It raised anything else, ``SystemExit`` too.
    """
    try:
        yield
    except (DistbenchError, Declined):
        raise
    except BaseException as error:
        if interrupts(error) or machine_gives_out(error):
            raise
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise writes(name) from error
        raise PluginError(name, f"{doing}: {reason_of(error)}") from error


def writes(name: str) -> PluginError:
    """The error that names a component which writes where it must not.

    Whose array it was is not said: it may be one that the component made read-only itself.
    """
    return PluginError(
        name,
        "it writes into a read-only array; what a component is handed is read-only, and so are "
        "views of it: work on a copy, e.g. x = x.copy()",
    )


def instance(name: str, doing: str, value: Any, kind: type[T]) -> T:
    """What a component gave, where it is of the class that its contract says.

    Raises:
        PluginError: It is not.
    """
    if not isinstance(value, kind):
        house = "distbench." if kind.__module__.startswith("distbench") else ""
        wanted = f"{house}{kind.__name__}"
        raise PluginError(name, f"{doing}: gave {reprlib.repr(value)} and no {wanted}")
    return value
