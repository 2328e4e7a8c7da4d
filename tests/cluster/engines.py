"""Processes of an engine that are started for a test and killed with all that they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

psutil: Any = pytest.importorskip("psutil", reason="psutil comes with the engines")
_LIMIT = 240.0
"""Seconds that nothing lasts, even where the machine is busy."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def waits_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + _LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {_LIMIT:g} s"
        time.sleep(0.1)


def units_at_work(home: Path) -> list[Any]:
    """The processes that compute units of a run, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "distbench.engine.worker" in line and line[-1].startswith(str(home)):
            found.append(process)
    return found


class Daemon:
    """A process of an engine, in a group of its own."""

    def __init__(
        self, command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        environment = {**os.environ, **(variables or {})}
        environment.pop("DISTBENCH_HOME", None)
        self._family: list[Any] = []
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=log.parent,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def family(self) -> list[Any]:
        """The process and all below it, from the top."""
        try:
            top = psutil.Process(self.process.pid)
            self._family = [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            pass  # what it has started may still be there
        return self._family

    def kill(self) -> None:
        """Ends all at once, as a node that loses its power."""
        for process in self.family():
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
