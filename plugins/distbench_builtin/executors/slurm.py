"""Jobs of a Slurm cluster that work on one unit after the other."""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.util import find_spec
from typing import Any

from pydantic import Field

from distbench import Executor, UnitQueue, UsageError, home, primary, this_machine
from distbench_builtin.shared.pilots.fleet import Cluster, Fleet, end_what_was_left
from distbench_builtin.shared.pilots.mail import Mail, Run, started


class Slurm(Executor):
    """Computes units in one array of Slurm jobs, each of which takes one after the other.

    `distbench run` stays on the login node and gives units to the jobs through files below
    `$DISTBENCH_HOME`, which all nodes must see; no port is opened and no accounting is needed. A
    job is submitted again when it has reached its time, was killed, or its node is gone; the unit
    that it had is done again, as often as the run's `retries` say. A job with several GPUs works on
    as many units at once. Jobs end with the run, and soon after where it was killed. Needs the
    extra `slurm`. Facebook Research, https://github.com/facebookincubator/submitit, 2020.
    """

    examples = ("slurm:2:cluster=local",)
    jobs: int = primary(4, ge=1, description="jobs at a time")
    partition: str | None = Field(None, description="partition")
    account: str | None = Field(None, description="account that is charged")
    qos: str | None = Field(None, description="quality of service")
    constraint: str | None = Field(None, description="features that nodes must have")
    time: int = Field(240, ge=1, description="minutes that a job may take; then comes the next")
    gpus: int | None = Field(
        None,
        ge=0,
        description="GPUs of a job, each for one unit at a time; if left out one with "
        "--device cuda, else none",
    )
    cpus: int | None = Field(
        None, ge=1, description="CPU cores for a unit; its number of threads if left out"
    )
    memory: float | None = Field(
        None, gt=0, description="GB of memory of a job; as the cluster has it if left out"
    )
    setup: str | None = Field(
        None, description="shell command that a job begins with, such as `module load cuda`"
    )
    directives: dict[str, bool | int | float | str] = Field(
        {}, description="further options of sbatch: directives.mail_type=END, .exclusive=true"
    )
    patience: float = Field(
        60,
        gt=0,
        description="seconds without a sign of life after which a unit is given to another",
    )
    cluster: Cluster = Field(
        "slurm", description="`local` to try it without Slurm, by processes of this machine"
    )

    @property
    def here(self) -> bool:
        """Whether its jobs are processes of this machine."""
        return self.cluster != "slurm"

    def ready(self) -> None:
        """Refuses to begin where jobs could not be submitted."""
        if find_spec("submitit") is None:
            raise UsageError(
                "executor slurm needs the package 'submitit', which is not installed: "
                "pip install 'distbench[slurm]'"
            )
        needed = ("sbatch", "srun", "squeue", "scancel") if self.cluster == "slurm" else ()
        if missing := [name for name in needed if shutil.which(name) is None]:
            raise UsageError(
                f"executor slurm finds no `{missing[0]}` here; start the run on a login node of "
                "the cluster, or try it without Slurm by slurm:cluster=local"
            )

    def gpus_a_unit(self, device: str) -> int:
        """One, where jobs ask for some or the run does; whether there are any is seen there."""
        return int(device.startswith("cuda") or (device == "auto" and bool(self.gpus)))

    def capacity(self, device: str, threads: int) -> int:
        """As many as there are jobs, or GPUs of them."""
        return self.jobs * self._units_a_job(device)

    def drain(self, queue: UnitQueue) -> None:
        """Gives units to jobs until none is left."""
        if not queue.open:
            return
        from distbench_builtin.shared.pilots.dispatch import Dispatch

        runs = home() / "pilots"
        end_what_was_left(runs)
        run = Run(
            f"distbench-{secrets.token_hex(4)}",
            str(queue.plan_path.absolute()),
            queue.threads,
            queue.environment,
            this_machine(),
            os.getpid(),
            started(os.getpid()),
            self.cluster,
        )
        mail = Mail(runs / run.name)
        mail.open(run)
        pilots = self._units_a_job(queue.device)
        asked = self._asked(queue.device, queue.threads)
        fleet = Fleet(mail, run, self.cluster, pilots, asked)
        workers = queue.workers or self.capacity(queue.device, queue.threads)
        at_once, keep = True, False
        try:
            at_once, keep = (
                False,
                not Dispatch(
                    queue,
                    workers,
                    mail,
                    fleet,
                    jobs=self.jobs,
                    pilots=pilots,
                    patience=self.patience,
                ).drain(),
            )
        finally:
            fleet.end(at_once=at_once, keep=keep)

    def _gpus(self, device: str) -> int:
        """GPUs that a job asks for, where no directive of the person's does."""
        if self.gpus is not None:
            return self.gpus
        directed = any("gpu" in f"{name}={value}" for name, value in self.directives.items())
        return int(device.startswith("cuda") and not directed)

    def _units_a_job(self, device: str) -> int:
        return max(self._gpus(device), 1)

    def _asked(self, device: str, threads: int) -> dict[str, Any]:
        """What a job asks for, as submitit takes it."""
        cpus = self.cpus or threads
        flags = {name: value for name, value in self.directives.items() if value is not False}
        return {
            "timeout_min": self.time if self.cluster == "slurm" else 60 * 24 * 365,
            "cpus_per_task": cpus,
            "gpus_per_node": self._gpus(device) or None,
            "mem_gb": self.memory,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_constraint": self.constraint,
            "slurm_setup": [self.setup] if self.setup else None,
            "slurm_array_parallelism": self.jobs,
            # Since 22.05 srun does not take the number of cores from sbatch.
            "slurm_srun_args": [f"--cpus-per-task={cpus}"],
            "slurm_additional_parameters": {"requeue": True, **flags},
        }
