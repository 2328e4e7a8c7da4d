"""What executors on an existing engine have in common: what they need, and what they wait for."""

from __future__ import annotations

import logging
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from distbench import UsageError

CONNECT = 30.0
"""Seconds in which an engine has to answer."""


def require(executor: str, *modules: str) -> None:
    """Refuses to begin without the packages of an executor.

    Raises:
        UsageError: One is missing; names the extra that brings it.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"executor {executor} needs the package {missing[0]!r}, which is not installed: "
            f"pip install 'distbench[{executor}]'"
        )


def said(error: BaseException) -> str:
    """What an engine raised, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__


class Patience:
    """How long what is needed may be missing.

    Args:
        seconds: At a stretch.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = time.monotonic()

    def ends(self, *, there: bool) -> bool:
        """Whether it has been missing for too long.

        Args:
            there: Whether it is there now.
        """
        if there:
            self._since = time.monotonic()
        return time.monotonic() - self._since > self._seconds


@contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """Without what an engine logs and warns of: what matters of it is in outcomes."""
    named = [logging.getLogger(name) for name in loggers]
    before = [logger.level for logger in named]
    for logger in named:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(named, before, strict=True):
            logger.setLevel(level)


@contextmanager
def own_signals() -> Iterator[None]:
    """Keeps what this process does on signals, which engines replace when they begin or end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):  # no main thread, no handler of Python's
                signal.signal(number, handler)
