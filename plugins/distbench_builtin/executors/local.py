"""Worker processes on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

from distbench import Executor, Outcome, UnitQueue
from distbench.engine.worker import READY


class Local(Executor):
    """Computes units in worker processes of this machine.

    A worker is a fresh interpreter that gets the path of the plan and, line by line, ids of units;
    nothing is pickled. One that crashes or runs out of time or memory fails its unit and is
    replaced. Each works with the protocol's number of threads.
    """

    def drain(self, queue: UnitQueue) -> None:
        """Serves as many workers as the queue allows until nothing is left."""
        if queue.open:
            _Pool(queue).drain()


class _Pool:
    def __init__(self, queue: UnitQueue) -> None:
        self._queue = queue
        self._changed = threading.Condition()
        self._workers: set[_Worker] = set()
        self._stopping = False
        self._error: BaseException | None = None

    def drain(self) -> None:
        threads = [
            threading.Thread(target=self._serve, daemon=True) for _ in range(self._queue.workers)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(timeout=0.2)
        finally:
            self._stop()
        if self._error is not None:
            raise self._error

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            for worker in self._workers:
                worker.kill()
            self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            while self._queue.open and not self._stopping:
                unit = self._queue.take()
                if unit is not None:
                    return unit
                self._changed.wait()
            return None

    def _serve(self) -> None:
        worker: _Worker | None = None
        try:
            while (unit := self._next()) is not None:
                if worker is None:
                    worker = _Worker(self._queue)
                    with self._changed:
                        self._workers.add(worker)
                outcome = worker.execute(unit, self._queue.timeout(unit))
                with self._changed:
                    if self._stopping:
                        return
                    if worker.dead:
                        self._workers.discard(worker)
                        worker.kill()
                        worker = None
                    self._queue.finish(outcome)
                    self._changed.notify_all()
        except BaseException as error:
            if not self._stopping:
                self._error = error
                self._stop()
        finally:
            if worker is not None:
                worker.kill()


class _Worker:
    """One process that executes units of a plan."""

    def __init__(self, queue: UnitQueue) -> None:
        threads = str(queue.threads)
        bounds = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "distbench.engine.worker", str(queue.plan_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(bounds, threads)},
            # An interruption is ours to handle, and what a worker has started must die with it.
            start_new_session=True,
        )
        self.dead = False
        self._ready = False

    def execute(self, unit: str, timeout: float | None) -> Outcome:
        """Has a unit executed; a process that dies over it is a failure of the unit."""
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
