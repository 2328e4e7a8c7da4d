"""Worker processes on this machine."""

from __future__ import annotations

import threading
from functools import partial

from pydantic import Field

from distbench import Executor, News, UnitQueue, WorkerProcess, usable_cores, visible_gpus
from distbench_builtin.shared.clusters.near import lately


class Local(Executor):
    """Computes units in worker processes of this machine, on its GPUs one to each, or several.

    A worker is a fresh interpreter that gets the path of the plan and, line by line, ids of units;
    nothing is pickled. Of one that crashes or runs out of memory the unit is done again by another
    worker, as often as the run's `retries` say; one that takes too long fails its unit. Each works
    with the protocol's number of threads.
    """

    cells_per_gpu: int = Field(
        1, ge=1, description="workers that share a GPU; small students do not fill one"
    )

    def capacity(self, device: str, threads: int) -> int:
        """As many units as there are GPUs, times those that share one, or as the cores allow."""
        gpus = _gpus(device)
        if gpus or device not in ("auto", "cpu"):
            return max(len(gpus), 1) * self.cells_per_gpu
        return max(usable_cores() // threads, 1)

    def drain(self, queue: UnitQueue) -> None:
        """Serves as many workers as the queue allows until nothing is left."""
        if queue.open:
            _Pool(queue).drain()


def _gpus(device: str) -> list[str]:
    """The GPUs that workers are spread over: all, unless one of them is named."""
    return visible_gpus() if device in ("auto", "cuda") else []


class _Pool:
    def __init__(self, queue: UnitQueue) -> None:
        self._queue = queue
        self._changed = threading.Condition()
        self._workers: set[WorkerProcess] = set()
        self._stopping = False
        self._error: BaseException | None = None
        # Of which the images lie in this machine's memory; for all workers, since they share it.
        self._near: tuple[str, ...] = ()

    def drain(self) -> None:
        count = self._queue.workers or 1
        gpus = _gpus(self._queue.device)
        threads = [
            threading.Thread(
                target=self._serve, args=(gpus[i % len(gpus)] if gpus else None,), daemon=True
            )
            for i in range(count)
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
                unit = self._queue.take(near=self._near)
                if unit is not None:
                    self._near = lately(self._queue[unit].task, self._near)
                    return unit
                self._changed.wait()
            return None

    def _tell(self, unit: str, news: News) -> None:
        with self._changed:
            self._queue.tell(unit, news)

    def _started(self, pinned: dict[str, str]) -> WorkerProcess:
        worker = WorkerProcess(self._queue.plan_path, self._queue.threads, pinned)
        with self._changed:
            self._workers.add(worker)
        return worker

    def _living(self, worker: WorkerProcess | None) -> WorkerProcess | None:
        """The same; None where it has died, and what it left running is ended."""
        if worker is None or worker.alive:
            return worker
        with self._changed:
            self._workers.discard(worker)
        worker.kill()
        return None

    def _serve(self, gpu: str | None) -> None:
        """Has one unit after the other executed by a worker that sees one GPU, or none."""
        pinned = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
        worker: WorkerProcess | None = None
        try:
            while (unit := self._next()) is not None:
                worker = self._living(worker) or self._started(pinned)
                on_news = partial(self._tell, unit)
                outcome = worker.execute(unit, self._queue.timeout(unit), on_news)
                with self._changed:
                    if self._stopping:
                        return
                    worker = self._living(worker)
                    self._queue.finish(outcome)
                    self._changed.notify_all()
        except BaseException as error:
            if not self._stopping:
                self._error = error
                self._stop()
        finally:
            if worker is not None:
                worker.kill()
