"""Telling from what a process leaves behind that it ran out of memory, and saying so in words."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections import deque

from distbench.storage.safe_text import without_secrets

_SIGNS = re.compile(
    r"MemoryError|bad_alloc|cannot allocate|can't allocate memory|failed to map segment"
    r"|out of memory|not enough memory|unable to allocate|can't start new thread"
    r"|pthread_create failed|memory allocation of \d+ bytes failed|\bENOMEM\b|Errno 12\b",
    re.IGNORECASE,
)
"""What Python, its extensions, allocators of C++ and Rust, and the dynamic linker say."""

_KEPT = 200
_REMEDY = "give it more (ulimit -v, the container's limit), or take fewer --workers"


def ran_out_of_memory(text: str) -> bool:
    """Whether a message is one of a process that was given no more memory."""
    return bool(_SIGNS.search(text))


def in_words(reason: str) -> str:
    """A reason that says first of all that the memory was not enough, where that is so."""
    if reason.startswith("out of memory") or not ran_out_of_memory(reason):
        return reason
    return f"out of memory: {reason.rstrip('.')}; {_REMEDY}"


class LastWords:
    """What a process writes to its standard error, passed on line by line.

    A traceback is held back until more follows: that of a process that dies of it is no news for
    the terminal, but belongs to its outcome.

    Attributes:
        inlet: The end that the process writes to, as `subprocess` takes it; close it once the
            process has it.
    """

    def __init__(self) -> None:
        outlet, self.inlet = os.pipe()
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._held: list[str] = []
        self._thread = threading.Thread(target=self._pass_on, args=(outlet,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last lines, once the process is gone."""
        self._thread.join(timeout=1)  # what it has started may go on writing
        return "".join(self._lines)

    def traceback(self) -> str | None:
        """The traceback that it ended with."""
        self._thread.join(timeout=1)
        return "".join(self._held) or None

    def cause(self) -> str | None:
        """The last line of its traceback, or of all that it wrote where that says of memory."""
        lines = (self.traceback() or "").strip().splitlines()
        if lines:
            return lines[-1]
        signs = [line for line in self.text().splitlines() if ran_out_of_memory(line)]
        return signs[-1].strip() if signs else None

    def _pass_on(self, outlet: int) -> None:
        with os.fdopen(outlet, "rb") as stream:
            for raw in stream:
                line = without_secrets(raw.decode(errors="replace"))
                self._lines.append(line)
                if self._belongs(line):
                    self._held.append(line)
                    continue
                with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                    sys.stderr.write("".join(self._held) + line)
                    sys.stderr.flush()
                self._held.clear()

    def _belongs(self, line: str) -> bool:
        """Whether a line begins a traceback or goes on with one."""
        if line.startswith("Traceback (most recent call last)"):
            return True
        if not self._held:
            return False
        ended = not self._held[-1].startswith((" ", "Traceback"))
        link = line.startswith(("\n", "During handling of", "The above exception was"))
        return link or not ended
