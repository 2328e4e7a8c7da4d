"""A worker as the process that started it sees it: units go in, outcomes come out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from distbench.engine.handed_over import handed_over
from distbench.engine.host import host
from distbench.engine.processes.out_of_memory import LastWords, in_words
from distbench.engine.worker import READY
from distbench.interfaces.execution.unit import News, Outcome

START_LIMIT = 600.0
"""Seconds that a worker may take to start where units have no limit."""
_starter = ThreadPoolExecutor(1, "distbench-workers")


def _start(
    plan_path: Path | str, environment: Mapping[str, str], errors: int
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "distbench.engine.worker", str(plan_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, **environment},
        # An interruption is ours to handle, and what a worker has started must die with it.
        start_new_session=True,
    )


class WorkerProcess:
    """One process of this machine that executes units of a plan; what executors are made of.

    Args:
        plan_path: The plan.
        threads: CPU threads of a unit.
        environment: Further variables that it has besides those of this process, such as the GPUs
            that it sees.
    """

    def __init__(
        self, plan_path: Path | str, threads: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self._last_words = LastWords()
        # A worker dies with the thread that starts it, so this is one that stays.
        self._process = _starter.submit(
            _start,
            plan_path,
            {**handed_over(threads), **(environment or {})},
            self._last_words.inlet,
        ).result()
        os.close(self._last_words.inlet)
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can be given a unit: it has neither died nor been ended."""
        return self._process.poll() is None

    def execute(
        self,
        unit: str,
        timeout: float | None,
        on_news: Callable[[News], None] = lambda news: None,
    ) -> Outcome:
        """Has a unit executed; where the process dies over it, the unit is lost.

        Args:
            unit: Id of a job or a cell.
            timeout: Seconds that it may take; None for no limit.
            on_news: Told now and then how far it is.
        """
        if not self._ready:
            with self._limited(timeout or START_LIMIT) as late:
                self._ready = self._line() == READY
            if not self._ready:
                return self._died(unit, late, timeout or START_LIMIT, "took longer to start than")
        with self._limited(timeout) as late:
            try:
                if self._process.stdin is not None:
                    self._process.stdin.write(json.dumps(unit) + "\n")
                    self._process.stdin.flush()
                while (answer := self._line()) and (news := _news(answer)) is not None:
                    on_news(news)
            except OSError:
                answer = ""
        if not answer or late.is_set():
            return self._died(unit, late, timeout, "took longer than")
        outcome = Outcome(**json.loads(answer))
        reason = in_words(outcome.reason) if outcome.reason else outcome.reason
        return replace(outcome, unit=unit, reason=reason)

    @contextmanager
    def _limited(self, seconds: float | None) -> Iterator[threading.Event]:
        """Ends the process where the block takes longer; the event tells that it did."""
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._end()

        timer = threading.Timer(seconds, give_up) if seconds else None
        if timer:
            timer.start()
        try:
            yield late
        finally:
            if timer:
                timer.cancel()

    def _died(
        self, unit: str, late: threading.Event, seconds: float | None, too_long: str
    ) -> Outcome:
        """The outcome of a unit whose process is gone."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it only closed its output
            self._end()
            code = self._process.wait()
        if late.is_set():
            return Outcome(unit, "failed", f"{too_long} {seconds:g} s")
        return Outcome(unit, "lost", self._death(code), self._last_words.traceback(), host=host())

    def _death(self, code: int) -> str:
        """How the process died, and of what, in words."""
        died = f"the worker died with exit code {code}"
        if code == -signal.SIGKILL:
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

    def _line(self) -> str:
        """The next line that the process writes; empty where it is gone."""
        stdout = self._process.stdout
        return stdout.readline().strip() if stdout is not None else ""

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


def _news(line: str) -> News | None:
    """What a line tells; None where it is an outcome."""
    table = json.loads(line)
    return News(**table) if "share" in table else None
