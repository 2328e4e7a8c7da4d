"""Signals that ask for an end: the work in progress is told, and what does not hear is ended."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from distbench.engine.processes.time_limit import GRACE, end_process
from distbench.errors import StopSignal

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_heard = threading.Event()


def heed_signals() -> None:
    """Turns signals into `StopSignal`.

    Python answers a signal between two of its own steps, and a library that computes for long has
    none. So a thread waits beside it: `GRACE` seconds after a signal that nobody answered, and at
    the second one, it ends the process.
    """
    reading, writing = os.pipe()
    numbers = _numbers()
    try:
        threading.Thread(target=_watch, args=(reading, numbers), daemon=True).start()
    except RuntimeError:  # there is no memory for one: signals keep what they do by themselves
        return
    for number in numbers:
        signal.signal(number, _stop)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)


def _numbers() -> set[int]:
    """The signals that are heeded."""
    return {
        number
        for name in _NAMES
        if (number := getattr(signal, name, None)) is not None
        and signal.getsignal(number) is not signal.SIG_IGN  # as `nohup` asks for
    }


def _stop(number: int, frame: FrameType | None) -> None:
    _heard.set()
    raise StopSignal(number)


def _watch(reading: int, numbers: set[int]) -> None:
    """Ends the process where a signal is not answered, or a second one comes."""
    asked = 0
    while received := os.read(reading, 1):
        number = received[0]
        if number not in numbers:
            continue
        asked += 1
        if asked > 1:
            _end(number, "stopped at once; what was finished is kept")
        threading.Timer(GRACE, _end_unheard, args=(number,)).start()


def _end_unheard(number: int) -> None:
    if not _heard.is_set():
        _end(number, f"stopped in the middle of a computation that did not end in {GRACE:g} s")


def _end(number: int, what: str) -> None:
    end_process(what, 128 + number)
