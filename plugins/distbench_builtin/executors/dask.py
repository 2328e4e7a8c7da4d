"""Workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from distbench import (
    Executor,
    UnitQueue,
    UsageError,
    admit,
    primary,
    usable_cores,
    visible_gpus,
)
from distbench_builtin.shared.clusters.dask_units import STOP, Dispatch, Workers
from distbench_builtin.shared.clusters.engines import CONNECT, quiet, require, said
from distbench_builtin.shared.clusters.jobqueue import Pilots, System

_LOGGERS = (
    "distributed",
    "distributed.client",
    "dask_jobqueue",
    "tornado",
    "tornado.application",
    "asyncio",
)
_PATIENCE, _QUEUED = 300.0, 86400.0
"""Seconds without any worker: of a cluster that runs, and of jobs that wait their turn."""


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
    gpus: int | None = Field(
        None,
        ge=0,
        description="GPUs of a job, which works on a unit for each; if left out one with "
        "--device cuda, else none",
    )
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
        if pilots := self._pilots("cpu"):
            pilots.check()
        if self.address is not None:
            with _noiseless(), _client(self.address) as client:
                self._gpus_there = Workers(client).gpus > 0

    def gpus_a_unit(self, device: str) -> int:
        """One where workers declare GPUs, or the device is named."""
        if self.here:
            return super().gpus_a_unit(device)
        there = bool(self.gpus) or self._gpus_there
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
            pilots = self._pilots(queue.device)
            patience = self.patience or (_QUEUED if pilots else _PATIENCE)
            Dispatch(queue, Workers(client, pilots), patience).drain()

    def _pilots(self, device: str) -> Pilots | None:
        if self.cluster is None:
            return None
        given = {"queue": self.queue, "account": self.account, "walltime": self.walltime}
        return Pilots(
            self.cluster,
            self.jobs,
            self.cores,
            self.memory,
            int(device.startswith("cuda")) if self.gpus is None else self.gpus,
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
        pilots = self._pilots(queue.device)
        cluster = pilots.cluster(queue.threads) if pilots else _here(queue)
        try:
            with _client(cluster) as client:
                yield client
        finally:
            cluster.close(timeout=STOP)


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
        client.close(timeout=STOP)


@contextmanager
def _noiseless() -> Iterator[None]:
    """Without what Dask logs; it sets its loggers as it is imported, so that comes first."""
    import distributed  # noqa: F401

    with quiet(*_LOGGERS):
        yield
