"""Units on their way through a Dask cluster, and the workers that there are for them."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from distbench import Outcome, Unit, UnitQueue, admit
from distbench_builtin.shared.clusters.crew import Assignment, dismiss, work_on
from distbench_builtin.shared.clusters.engines import Patience, said
from distbench_builtin.shared.clusters.jobqueue import Pilots
from distbench_builtin.shared.clusters.near import Near

LOOK = 2.0
"""Seconds after which the cluster is asked again for its workers: they come and go."""
STOP = 15.0
"""Seconds that workers are given to end what they do for a run that is over."""
_FETCH = 60.0
"""Seconds in which the outcome of a unit that has ended has to arrive."""


class Workers:
    """The workers of a cluster, looked at anew every few seconds."""

    def __init__(self, client: Any, pilots: Pilots | None = None) -> None:
        self.client, self._pilots = client, pilots
        self._workers: dict[str, Any] = {}
        self._looked = -LOOK

    def look(self) -> None:
        if time.monotonic() - self._looked < LOOK:
            return
        with suppress(OSError, TimeoutError):
            # Without workers where the scheduler does not answer any more.
            self._workers = self.client.scheduler_info(n_workers=-1).get("workers", {})
        for worker in self._workers.values():
            admit(str(worker.get("host", "")))
        if self._pilots is not None:
            self._pilots.replace_ended(self.client.cluster)
        self._looked = time.monotonic()

    @property
    def slots(self) -> int:
        self.look()
        return sum(worker["nthreads"] for worker in self._workers.values())

    @property
    def gpus(self) -> int:
        self.look()
        return sum(int(w.get("resources", {}).get("GPU", 0)) for w in self._workers.values())


class Dispatch:
    """Units of a queue on their way through a cluster."""

    def __init__(self, queue: UnitQueue, workers: Workers, patience: float) -> None:
        self._queue, self._workers, self._seconds = queue, workers, patience
        self._client = workers.client
        self._run = uuid.uuid4().hex
        self._flying: dict[Any, Unit] = {}
        self._landed: SimpleQueue[Any] = SimpleQueue()
        self._near = Near()

    def drain(self) -> None:
        patience = Patience(self._seconds)
        try:
            while self._queue.open:
                if self._client.status == "closed":
                    self._queue.abandon("the Dask scheduler is gone")
                elif patience.ends(there=self._workers.slots > 0):
                    self._queue.abandon(f"there was no Dask worker for {self._seconds:g} s")
                else:
                    self._send()
                    self._receive()
        finally:
            self._end()

    def _send(self) -> None:
        """Hands out as many units as workers have room for."""
        if self._client.status != "running":
            return
        most, gpus = self._workers.slots, self._workers.gpus
        most = min(most, self._queue.workers or most)

        def fits(unit: Unit) -> bool:
            on_gpu = sum(other.resources.gpus for other in self._flying.values())
            return not gpus or on_gpu + unit.resources.gpus <= gpus

        while len(self._flying) < most:
            if (id := self._queue.take(fits, self._near.tasks)) is None:
                return
            self._near.sent()
            unit = self._queue[id]
            future = self._client.submit(
                work_on,
                Assignment.of(self._run, self._queue, id),
                key=f"distbench-{self._run}-{uuid.uuid4().hex}",
                resources={"GPU": unit.resources.gpus} if gpus and unit.resources.gpus else None,
                pure=False,
            )
            self._flying[future] = unit
            future.add_done_callback(self._landed.put)

    def _receive(self) -> None:
        """Waits a moment for units to end, and reports them."""
        try:
            future = self._landed.get(timeout=LOOK / 4)
        except Empty:
            return
        unit = self._flying.pop(future)
        outcome = _outcome(unit.id, future)
        self._near.ended(unit.task, outcome.host)
        self._queue.finish(outcome)

    def _end(self) -> None:
        """Ends what workers still do for this run, and the processes that they keep for it."""
        if self._client.status != "running":
            return
        with suppress(Exception):  # whoever does not answer now ends them by and by
            self._client.cancel(list(self._flying), force=True)
            self._client.sync(
                self._client._run, dismiss, self._run, on_error="ignore", callback_timeout=STOP
            )


def _outcome(unit: str, future: Any) -> Outcome:
    from distributed import KilledWorker

    try:
        outcome = future.result(timeout=_FETCH)
    except KilledWorker:
        return Outcome(unit, "lost", "every worker that had it is gone")
    except Exception as error:
        if future.status == "error":  # the worker could not even begin
            return Outcome(unit, "failed", said(error))
        return Outcome(unit, "lost", f"Dask lost it: {said(error)}")
    return outcome if isinstance(outcome, Outcome) else Outcome(unit, "failed", "no outcome came")
