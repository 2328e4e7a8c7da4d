"""A worker as the process that started it sees it: units go in, outcomes come out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from distbench.engine.worker import READY
from distbench.interfaces.executor import Outcome


class WorkerProcess:
    """One process of this machine that executes units of a plan; what executors are made of.

    Args:
        plan_path: The plan.
        threads: CPU threads of a unit.

    Attributes:
        dead: It is of no more use: it died, or was ended since its unit took too long.
    """

    def __init__(self, plan_path: Path | str, threads: int) -> None:
        bounds = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "distbench.engine.worker", str(plan_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(bounds, str(threads))},
            # An interruption is ours to handle, and what a worker has started must die with it.
            start_new_session=True,
        )
        self.dead = False
        self._ready = False

    def execute(self, unit: str, timeout: float | None) -> Outcome:
        """Has a unit executed; a process that dies over it is a failure of the unit.

        Args:
            unit: Id of a job or a cell.
            timeout: Seconds that it may take; None for no limit.
        """
        process = self._process
        self._ready = self._ready or self._line(process) == READY
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._end()

        timer = threading.Timer(timeout, give_up) if timeout else None
        if timer:
            timer.start()
        try:
            if process.stdin is not None:
                process.stdin.write(json.dumps(unit) + "\n")
                process.stdin.flush()
            answer = self._line(process)
        except OSError:
            answer = ""
        finally:
            if timer:
                timer.cancel()
        self.dead = not answer or late.is_set()
        if answer:
            return replace(Outcome(**json.loads(answer)), unit=unit)
        code = process.wait()
        reason = (
            f"took longer than {timeout:g} s"
            if late.is_set()
            else f"the worker died with exit code {code}"
            + (" (killed; perhaps out of memory)" if code == -9 else "")
        )
        return Outcome(unit, "failed", reason)

    def _end(self) -> None:
        if sys.platform == "win32":  # which has no groups of processes
            self._process.kill()
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except OSError:
            self._process.kill()

    @staticmethod
    def _line(process: subprocess.Popen[str]) -> str:
        """The next line that the process writes; empty where it is gone."""
        return process.stdout.readline().strip() if process.stdout is not None else ""

    def kill(self) -> None:
        """Ends the process and what it has started."""
        self._end()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue
