"""Calls of a component under test: what goes wrong in one becomes a fault that says where."""

from __future__ import annotations

import contextlib
import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from distbench.errors import Declined, RefusedError, interrupts
from distbench.testing.faults import Fault, NotChecked

T = TypeVar("T")


@contextlib.contextmanager
def fault_if_raises(
    what: str,
    remedy: str = "raise distbench.Declined(reason) where it is not defined",
    *,
    needs_data: bool = False,
) -> Iterator[None]:
    """Turns an exception into a fault.

    Args:
        what: What the component is asked to do, as a clause: ``"scoring few images"``.
        remedy: What to do about it.
        needs_data: Whether it may refuse: what lies on another machine is not the author's fault.
    """
    try:
        yield
    except (Fault, NotChecked, Declined):
        raise
    except BaseException as error:
        if interrupts(error):
            raise
        if needs_data and isinstance(error, RefusedError):
            raise NotChecked(str(error).partition("\n")[0]) from None
        raise Fault(f"{what} raises {error_line(error)}", remedy) from error


def error_line(error: BaseException) -> str:
    """An exception in one line, with the place it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    message = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {message}{where}" if message else type(error).__name__ + where


def unseeded(call: Callable[[], T], *, what: str, instead: str, torch: bool = False) -> tuple[T, T]:
    """What two calls give with global generators in different states; these must be left alone.

    Args:
        call: What is called.
        what: What that is, for the message.
        instead: Where randomness should come from.
        torch: Whether torch's generator is looked at, too.

    Raises:
        Fault: The call draws from a global generator of Python or numpy.
    """
    results = []
    for seed in (1, 2):
        with _global_state(seed, torch) as states:
            before = states()
            results.append(call())
            moved = [name for name, state in states().items() if state != before[name]]
        if moved:
            raise Fault(f"{what} draws from the global generator of {moved[0]}", f"use {instead}")
    return results[0], results[1]


@contextlib.contextmanager
def _global_state(seed: int, torch: bool) -> Iterator[Callable[[], dict[str, Any]]]:
    """Global generators seeded for a while, and what state they are in."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)

    def states() -> dict[str, Any]:
        kept: Any = np.random.get_state()
        current: dict[str, Any] = {
            "random": random.getstate(),
            "numpy": (kept[1].tobytes(), *kept[2:]),
        }
        if torch:
            import torch as torch_

            current["torch"] = torch_.get_rng_state().numpy().tobytes()
        return current

    try:
        yield states
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy that cannot be written to."""
    twin = array.copy()
    twin.flags.writeable = False
    return twin
