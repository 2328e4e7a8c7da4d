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

from distbench.engine.out_of_memory import LastWords, in_words
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
        self._last_words = LastWords()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "distbench.engine.worker", str(plan_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._last_words.inlet,
            text=True,
            env={**os.environ, **dict.fromkeys(bounds, str(threads))},
            # An interruption is ours to handle, and what a worker has started must die with it.
            start_new_session=True,
        )
        os.close(self._last_words.inlet)
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
            outcome = Outcome(**json.loads(answer))
            reason = in_words(outcome.reason) if outcome.reason else outcome.reason
            return replace(outcome, unit=unit, reason=reason)
        code = process.wait()
        if late.is_set():
            return Outcome(unit, "failed", f"took longer than {timeout:g} s")
        return Outcome(unit, "failed", self._death(code), self._last_words.traceback())

    def _death(self, code: int) -> str:
        """Why the process is gone, in words."""
        died = f"the worker died with exit code {code}"
        if code == -9:
            return f"{died} (killed; perhaps out of memory)"
        cause = self._last_words.cause()
        return in_words(f"{died}: {cause}") if cause else died

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
