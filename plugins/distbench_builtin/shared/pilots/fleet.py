"""The jobs that pilots run in: submitted by submitit, looked after without accounting."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from distbench import UsageError
from distbench_builtin.shared.pilots.mail import Mail, Run
from distbench_builtin.shared.pilots.pilot import serve

Cluster = Literal["slurm", "local"]
_PATIENCE = 30.0
"""Seconds that a command of the scheduler may take."""
_LATER = "BeginTime"
"""Why a job waits that must not begin yet, in Slurm's words."""
_FAREWELL = 10.0
"""Seconds that pilots have to leave by themselves."""


class Fleet:
    """The jobs of a run.

    Args:
        mail: The run's folder; the logs of jobs lie below it.
        run: What holds for all pilots.
        cluster: Where jobs run: by Slurm, or as processes of this machine.
        pilots: How many each job has.
        parameters: What jobs ask for, as submitit's `AutoExecutor` takes it.

    Attributes:
        jobs: The job of every pilot, by the pilot's number.
    """

    def __init__(
        self, mail: Mail, run: Run, cluster: Cluster, pilots: int, parameters: Mapping[str, Any]
    ) -> None:
        from submitit import AutoExecutor

        self._mail, self._run, self._cluster = mail, run, cluster
        self.jobs: dict[int, str] = {}
        self._pilots = pilots
        self._processes: dict[str, Any] = {}
        self._look_at = 0.0
        self._alive: set[str] = set()
        self.log = mail.folder / "log"
        self._executor = AutoExecutor(self.log, cluster=cluster)
        self._executor.update_parameters(name=run.name, tasks_per_node=pilots, **parameters)

    def submit(self, count: int) -> None:
        """Submits so many jobs, as one array.

        Raises:
            UsageError: The scheduler does not take them.
        """
        from submitit.core.utils import FailedJobError

        first = len(self.jobs)
        numbers = range(first, first + count * self._pilots, self._pilots)
        try:
            with self._executor.batch():
                made = [self._executor.submit(serve, str(self._mail.folder), n) for n in numbers]
        except FailedJobError as error:
            raise UsageError(f"executor slurm: sbatch refused the jobs: {error}") from None
        for number, job in zip(numbers, made, strict=True):
            for pilot in range(number, number + self._pilots):
                self.jobs[pilot] = job.job_id
            if self._cluster == "local":
                self._processes[job.job_id] = job
            self._alive.add(job.job_id)

    def alive(self) -> set[str]:
        """Jobs that wait or run, as the scheduler said when it was last asked and answered."""
        now = time.monotonic()
        if self._cluster == "local":
            self._alive = {id for id, job in self._processes.items() if not job.done()}
        elif now >= self._look_at:
            # The answer is as dear as the queue is long, so it is asked for more rarely then.
            listed = _command("squeue", "--noheader", "--array", "--format=%i %r", *self._ours)
            self._look_at = time.monotonic() + max(5.0, 20 * (time.monotonic() - now))
            if listed is not None:
                lines = [line.partition(" ") for line in listed.splitlines()]
                self._alive = {job for job, _, _ in lines}
                self._hasten(job for job, _, reason in lines if reason.strip() == _LATER)
        return self._alive

    def _hasten(self, jobs: Iterable[str]) -> None:
        """Has jobs begin that have run before: Slurm keeps back a requeued one for two minutes.

        Those that have not are left alone: the person may have asked for a later time.
        """
        begun = {job for pilot, job in self.jobs.items() if self._mail.word(pilot) is not None}
        for job in begun.intersection(jobs):
            _command("scontrol", "update", f"JobId={job}", "StartTime=now")

    def last_words(self) -> str:
        """The last line that a job wrote to its log of errors, of any job that wrote one."""
        for log in sorted(self.log.glob("*_log.err"), reverse=True):
            lines = log.read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1].strip()
        return ""

    def end(self, *, at_once: bool, keep: bool = False) -> None:
        """Ends all jobs, those that wait first, and removes the folder.

        Args:
            at_once: Whether units in progress are of no use any more.
            keep: Whether the folder stays, for its logs.
        """
        self._mail.beat(over=True)
        if self._cluster == "slurm":
            _command("scancel", *self._ours, *(() if at_once else ("--state=PENDING",)))
        elif at_once:
            for job in self._processes.values():
                job.cancel()
        until = time.monotonic() + _FAREWELL
        while self._still_there() and time.monotonic() < until:
            time.sleep(0.2)
        if self._cluster == "slurm" and not at_once:
            _command("scancel", *self._ours)
        if not keep:
            shutil.rmtree(self._mail.folder, ignore_errors=True)

    def _still_there(self) -> bool:
        """Whether any pilot that has said something has not taken its leave."""
        if self._cluster == "local":
            return bool(self.alive())
        said = (self._mail.word(pilot) for pilot, job in self.jobs.items() if job in self._alive)
        return any(word is not None and not word.gone for word in said)

    @property
    def _ours(self) -> tuple[str, ...]:
        return _named(self._run.name)


def end_what_was_left(folder: Path, days: float = 1) -> None:
    """Ends pilots whose driver was killed on this machine, and removes what such runs left.

    Args:
        folder: Of the folders of runs.
        days: How old a folder of another machine must be to be no run's any more.
    """
    for left in folder.glob("*/") if folder.is_dir() else ():
        run = Mail(left).run()
        if run is not None and run.driver_gone():
            if run.cluster == "slurm":
                _command("scancel", *_named(run.name))
            shutil.rmtree(left, ignore_errors=True)
            continue
        try:
            beat = (left / "driver.json").stat().st_mtime
        except OSError:
            beat = left.stat().st_mtime
        if time.time() - beat > days * 86_400:
            shutil.rmtree(left, ignore_errors=True)


def _named(name: str) -> tuple[str, ...]:
    """Jobs are known by a name that no other run has: so those that were added are among them."""
    return (f"--name={name}",)


def _command(*words: str) -> str | None:
    """What a command of the scheduler answers; None where it does not."""
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
