"""Worker processes on this machine."""

from __future__ import annotations

import threading

from distbench import Executor, UnitQueue, WorkerProcess


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
        self._workers: set[WorkerProcess] = set()
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
        worker: WorkerProcess | None = None
        try:
            while (unit := self._next()) is not None:
                if worker is None:
                    worker = WorkerProcess(self._queue.plan_path, self._queue.threads)
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
