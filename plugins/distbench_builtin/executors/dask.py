"""Workers of a Dask cluster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from distbench import (
    Executor,
    Outcome,
    Unit,
    UnitQueue,
    UsageError,
    admit,
    primary,
    usable_cores,
    visible_gpus,
)

from ._crew import Assignment, dismiss, work_on
from ._engines import CONNECT, Patience, quiet, require, said
from ._pilots import Pilots, System

_LOGGERS = (
    "distributed",
    "distributed.client",
    "dask_jobqueue",
    "tornado",
    "tornado.application",
    "asyncio",
)
_PATIENCE, _QUEUED = 300.0, 86400.0
_LOOK = 2.0
"""Seconds after which the cluster is asked again for its workers: they come and go."""
_FETCH = 60.0
"""Seconds in which the outcome of a unit that has ended has to arrive."""
_STOP = 15.0
"""Seconds that workers are given to end what they do for a run that is over."""


class Dask(Executor):
    """Computes units on the workers of a Dask cluster: one that runs, or pilots of a batch system.

    `dask:tcp://HOST:8786` sends units to the workers of that scheduler, `dask:cluster=slurm` to
    jobs that dask-jobqueue submits; a bare `dask` tries it out on this machine. A worker is given
    as many units at once as it has threads, and keeps a warm process for each. A unit whose own
    process dies is lost, and the run's `retries` decide; one whose worker or node is gone is done
    by another worker, as often as Dask's `allowed-failures` say, and lost after that. Needs the
    extra `dask`. Rocklin, Dask: Parallel Computation with Blocked algorithms and Task Scheduling,
    SciPy 2015.
    """

    address: str | None = primary(
        None, description="of a scheduler, e.g. tcp://HOST:8786; a cluster in this process if none"
    )
    cluster: System | None = Field(None, description="batch system that runs the workers as jobs")
    jobs: int = Field(1, ge=1, description="jobs in a batch system; one that ends is replaced")
    cores: int = Field(1, ge=1, description="CPU cores of a job")
    memory: str = Field("8GB", description="memory of a job")
    gpus: int = Field(0, ge=0, description="GPUs of a job, which works on a unit for each")
    queue: str | None = Field(None, description="queue or partition that jobs are submitted to")
    account: str | None = Field(None, description="account that jobs are charged to")
    walltime: str | None = Field(None, description="time limit of a job, e.g. 04:00:00")
    directives: tuple[str, ...] = Field(
        (), description="further directives of a job, joined by +, e.g. --qos=high"
    )
    patience: float | None = Field(
        None,
        gt=0,
        description="seconds without any worker after which the run gives up; 300 if left out, "
        "a day for jobs, which wait their turn",
    )

    _gpus_there: bool = PrivateAttr(False)

    @model_validator(mode="after")
    def _one_cluster(self) -> Dask:
        if self.address is not None and self.cluster is not None:
            raise ValueError("give an address or cluster=..., not both")
        return self

    @property
    def here(self) -> bool:  # noqa: D102
        return self.address is None and self.cluster is None

    def ready(self) -> None:  # noqa: D102
        require("dask", "distributed", *(["dask_jobqueue"] if self.cluster else []))
        if pilots := self._pilots():
            pilots.check()
        if self.address is not None:
            with _noiseless(), _client(self.address) as client:
                self._gpus_there = _Workers(client).gpus > 0

    def gpus_a_unit(self, device: str) -> int:
        """One where workers declare GPUs, or the device is named."""
        if self.here:
            return super().gpus_a_unit(device)
        there = self.gpus > 0 or self._gpus_there
        return int(device.startswith("cuda") or (device == "auto" and there))

    def capacity(self, device: str, threads: int) -> int | None:
        """As `local` on this machine; elsewhere as many as the workers have threads."""
        if not self.here:
            return None
        gpus = len(visible_gpus()) if device in ("auto", "cuda") else 0
        return gpus or max(usable_cores() // threads, 1)

    def drain(self, queue: UnitQueue) -> None:
        """Sends units to the cluster as its workers are free, until nothing is left."""
        if not queue.open:
            return
        with _noiseless(), self._connected(queue) as client:
            pilots = self._pilots()
            patience = self.patience or (_QUEUED if pilots else _PATIENCE)
            _Dispatch(queue, _Workers(client, pilots), patience).drain()

    def _pilots(self) -> Pilots | None:
        if self.cluster is None:
            return None
        given = {"queue": self.queue, "account": self.account, "walltime": self.walltime}
        return Pilots(
            self.cluster,
            self.jobs,
            self.cores,
            self.memory,
            self.gpus,
            {name: value for name, value in given.items() if value is not None},
            self.directives,
        )

    @contextmanager
    def _connected(self, queue: UnitQueue) -> Iterator[Any]:
        """A client of the cluster, which is ended where it was made here."""
        if self.address is not None:
            with _client(self.address) as client:
                yield client
            return
        pilots = self._pilots()
        cluster = pilots.cluster(queue.threads) if pilots else _here(queue)
        try:
            with _client(cluster) as client:
                yield client
        finally:
            cluster.close(timeout=_STOP)


class _Workers:
    """The workers of a cluster, looked at anew every few seconds."""

    def __init__(self, client: Any, pilots: Pilots | None = None) -> None:
        self.client, self._pilots = client, pilots
        self._workers: dict[str, Any] = {}
        self._looked = -_LOOK

    def look(self) -> None:
        if time.monotonic() - self._looked < _LOOK:
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


class _Dispatch:
    """Units of a queue on their way through a cluster."""

    def __init__(self, queue: UnitQueue, workers: _Workers, patience: float) -> None:
        self._queue, self._workers, self._seconds = queue, workers, patience
        self._client = workers.client
        self._run = uuid.uuid4().hex
        self._flying: dict[Any, Unit] = {}
        self._landed: SimpleQueue[Any] = SimpleQueue()

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

        while len(self._flying) < most and (id := self._queue.take(fits)) is not None:
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
            future = self._landed.get(timeout=_LOOK / 4)
        except Empty:
            return
        unit = self._flying.pop(future)
        self._queue.finish(_outcome(unit.id, future))

    def _end(self) -> None:
        """Ends what workers still do for this run, and the processes that they keep for it."""
        if self._client.status != "running":
            return
        with suppress(Exception):  # whoever does not answer now ends them by and by
            self._client.cancel(list(self._flying), force=True)
            self._client.sync(
                self._client._run, dismiss, self._run, on_error="ignore", callback_timeout=_STOP
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


def _here(queue: UnitQueue) -> Any:
    """A cluster in this process, where each unit has a process of its own all the same."""
    import distributed

    make: Any = distributed.LocalCluster
    workers = queue.workers or 1
    gpus = {"GPU": workers} if visible_gpus() else {}
    return make(
        n_workers=1,
        threads_per_worker=workers,
        processes=False,
        memory_limit=0,
        resources=gpus,
        dashboard_address=None,
        worker_dashboard_address=None,
    )


@contextmanager
def _client(cluster: Any) -> Iterator[Any]:
    """A client of a cluster, or of the scheduler at an address.

    Raises:
        UsageError: No scheduler answers there.
    """
    import distributed

    make: Any = distributed.Client
    if isinstance(cluster, str):
        admit(cluster.rpartition("://")[2].rpartition(":")[0].strip("[]"))
    try:
        client = make(cluster, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"executor dask: no Dask scheduler answers at {cluster} ({said(error)}); name one that "
            "runs, e.g. dask:tcp://HOST:8786"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=_STOP)


@contextmanager
def _noiseless() -> Iterator[None]:
    """Without what Dask logs; it sets its loggers as it is imported, so that comes first."""
    import distributed  # noqa: F401

    with quiet(*_LOGGERS):
        yield
