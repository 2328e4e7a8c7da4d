"""Pilots: jobs of a batch system in which a Dask worker waits for units, by dask-jobqueue."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from distbench import UsageError, admit, home
from distbench_builtin.shared.clusters.engines import own_signals

System = Literal["slurm", "pbs", "lsf", "sge"]
_CLUSTERS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster", "sge": "SGECluster"}
_SUBMITS = {"slurm": "sbatch", "pbs": "qsub", "lsf": "bsub", "sge": "qsub"}
_GPUS = {"slurm": "--gres=gpu:{n}", "lsf": '-gpu "num={n}"'}
"""How a job asks for GPUs where all installations of a system understand it."""


@dataclass(frozen=True)
class Pilots:
    """Jobs that are alike.

    Attributes:
        system: The batch system.
        jobs: How many there are; one that ends is submitted again.
        cores: CPU cores of each.
        memory: Memory of each, e.g. ``32GB``.
        gpus: GPUs of each.
        given: What else dask-jobqueue is told: queue, account, walltime.
        directives: Further lines of the job's script.
    """

    system: System
    jobs: int
    cores: int
    memory: str
    gpus: int
    given: dict[str, str]
    directives: Sequence[str]

    def check(self) -> None:
        """Looks whether jobs can be submitted from here.

        Raises:
            UsageError: They cannot.
        """
        command = _SUBMITS[self.system]
        if shutil.which(command) is None:
            raise UsageError(
                f"executor dask: there is no {command} here; run it where jobs of {self.system} "
                "are submitted, as on a login node"
            )

    def cluster(self, threads: int) -> Any:
        """A scheduler in this process, and the jobs submitted.

        Args:
            threads: CPU threads of a unit: each job works on as many units at once as it has GPUs,
                or as its cores allow.
        """
        with own_signals():  # its import makes Ctrl-C an end without a word
            import dask_jobqueue

        admit(socket.gethostname())  # by which jobs reach the scheduler, and it itself
        units = self.gpus or max(self.cores // threads, 1)
        declared = ["--resources", f"GPU={self.gpus}"] if self.gpus else []
        asked = [_GPUS[self.system].format(n=self.gpus)] if self.gpus and self.asks else []
        cluster = getattr(dask_jobqueue, _CLUSTERS[self.system])(
            cores=self.cores,
            memory=self.memory,
            processes=1,
            worker_extra_args=["--nthreads", str(units), "--no-dashboard", *declared],
            job_extra_directives=[*asked, *self.directives],
            scheduler_options={"dashboard": False},
            log_directory=str(home() / "pilots"),
            **self.given,
        )
        self._submit(cluster)
        return cluster

    def _submit(self, cluster: Any) -> None:
        """Submits the jobs, and waits for the answer, which dask-jobqueue by itself only logs."""

        async def submitted() -> None:
            cluster.scale(jobs=self.jobs)
            await cluster._correct_state()

        try:
            cluster.sync(submitted)
        except (OSError, RuntimeError) as error:
            from distributed import Status

            for job in cluster.workers.values():
                if job.status is Status.created:  # as one that was never submitted it cannot end
                    job.status = Status.failed
            cluster.close()
            last = [line.strip() for line in str(error).splitlines() if line.strip()][-1]
            raise UsageError(f"executor dask: {self.system} takes no job: {last}") from None

    def replace_ended(self, cluster: Any) -> None:
        """Submits jobs in place of those whose workers are gone."""
        cluster.scale(jobs=self.jobs)

    @property
    def asks(self) -> bool:
        """Whether GPUs are asked for without a directive of the person's."""
        return self.system in _GPUS and not any("gpu" in line for line in self.directives)
