"""A limit of time for work in this process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from distbench.errors import TimedOutError

GRACE = 10.0
"""Seconds more that a library may compute before its process is ended."""


def end_process(message: str, code: int) -> None:
    """Ends this process where Python does not get to it, after a line on its standard error."""
    try:
        os.write(2, f"distbench: {message}\n".encode())
    finally:
        os._exit(code)


@contextmanager
def time_limit(seconds: float | None, what: str) -> Iterator[None]:
    """Ends what takes too long.

    By an error where Python gets to it; by ending the process `GRACE` seconds later where a
    library computes and does not return. In the main thread of systems with ``SIGALRM`` only; no
    limit elsewhere.

    Args:
        seconds: None for no limit.
        what: What is limited, for the message.

    Raises:
        TimedOutError: It took longer.
    """
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not main or not hasattr(signal, "SIGALRM"):
        yield
        return
    message = f"{what} took longer than {seconds:g} s"

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimedOutError(message)

    before = signal.signal(signal.SIGALRM, give_up)
    hard = threading.Timer(seconds + GRACE, end_process, args=(message, TimedOutError.exit_code))
    hard.daemon = True
    signal.setitimer(signal.ITIMER_REAL, seconds)
    hard.start()
    try:
        yield
    finally:
        hard.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
