"""Warm worker processes within a process of an engine: what units are computed by on its nodes.

A process of an engine computes nothing itself: it keeps processes that do. So a unit can be ended
when it takes too long or nobody wants it any more, one that runs out of memory takes no more than
its own process with it, units beside each other share no settings of libraries, and what
``--offline`` refuses is not the engine's own connections. Nor does an engine measure its process
as one that is about to run out of memory, which Dask answers by pausing it for good.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from distbench import Outcome, UnitQueue, WorkerProcess, visible_gpus

IDLE = 120.0
"""Seconds that a worker without a unit is kept: it holds memory, also of its GPU."""
_GPU = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Assignment:
    """A unit as it is sent to another process.

    Attributes:
        run: Of which call of `Executor.drain` it is.
        plan_path: The plan.
        unit: Its id.
        timeout: Seconds that it may take; None for no limit.
        threads: CPU threads that it may start.
        on_gpu: Whether it computes on a GPU.
        environment: Variables that it needs.
    """

    run: str
    plan_path: str
    unit: str
    timeout: float | None
    threads: int
    on_gpu: bool
    environment: Mapping[str, str]

    @classmethod
    def of(cls, run: str, queue: UnitQueue, unit: str) -> Assignment:
        """A unit of a queue."""
        return cls(
            run,
            str(queue.plan_path),
            unit,
            queue.timeout(unit),
            queue.threads,
            queue[unit].resources.gpus > 0,
            dict(queue.environment),
        )


@dataclass(eq=False)
class _Member:
    """A worker process, for whom it works and on which GPU."""

    run: str
    plan_path: str
    environment: Mapping[str, str]
    gpu: str | None
    process: WorkerProcess
    expiry: threading.Timer | None = field(default=None)

    def suits(self, work: Assignment, gpu: str | None) -> bool:
        same = (self.plan_path, self.environment) == (work.plan_path, work.environment)
        return same and (not work.on_gpu or self.gpu == gpu)


class Crew:
    """Worker processes, as many as there are units at once; each is used for one after the other.

    Where this process sees several GPUs, its workers are spread over them and each sees one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Member] = []
        self._busy: list[_Member] = []
        self._dismissed: set[str] = set()

    def execute(self, work: Assignment) -> Outcome:
        """Has a unit executed; it is lost where its process dies or its run is dismissed."""
        member = self._take(work)
        if member is None:
            return Outcome(work.unit, "lost", "the run was ended")
        try:
            outcome = member.process.execute(work.unit, work.timeout)
        finally:
            self._give_back(member)
        return outcome

    def dismiss(self, run: str) -> None:
        """Ends the processes of a run, and what they are at."""
        with self._lock:
            self._dismissed.add(run)
            members = [member for member in (*self._idle, *self._busy) if member.run == run]
            self._idle = [member for member in self._idle if member.run != run]
        for member in members:
            _end(member)

    def _take(self, work: Assignment) -> _Member | None:
        with self._lock:
            if work.run in self._dismissed:
                return None
            self._bury()
            gpu = self._gpu()
            member = next((m for m in self._idle if m.suits(work, gpu)), None)
            if member is None:
                self._make_room(work, gpu)
                member = _started(work, gpu)
            else:
                self._idle.remove(member)
                member.run = work.run
            if member.expiry is not None:
                member.expiry.cancel()
            self._busy.append(member)
            return member

    def _bury(self) -> None:
        """Forgets idle workers that have died meanwhile: a unit given to one would be lost."""
        dead = [member for member in self._idle if not member.process.alive]
        self._idle = [member for member in self._idle if member not in dead]
        for member in dead:
            _end(member)

    def _make_room(self, work: Assignment, gpu: str | None) -> None:
        """Ends idle workers of other runs, and on the same GPU: they hold memory for nobody."""
        useless = [m for m in self._idle if m.gpu == gpu or m.plan_path != work.plan_path]
        self._idle = [member for member in self._idle if member not in useless]
        for member in useless:
            _end(member)

    def _gpu(self) -> str | None:
        """The GPU for one more worker: that with the fewest units, of them one with a worker."""
        gpus = visible_gpus()
        if len(gpus) < 2:
            return os.environ.get(_GPU)  # whoever started this process chose it
        units = Counter(member.gpu for member in self._busy)
        waiting = {member.gpu for member in self._idle}
        return min(gpus, key=lambda gpu: (units[gpu], gpu not in waiting))

    def _give_back(self, member: _Member) -> None:
        with self._lock:
            self._busy.remove(member)
            if not member.process.alive or member.run in self._dismissed:
                member.process.kill()
                return
            member.expiry = threading.Timer(IDLE, self._expire, (member,))
            member.expiry.daemon = True
            member.expiry.start()
            self._idle.append(member)

    def _expire(self, member: _Member) -> None:
        with self._lock:
            if member not in self._idle:
                return
            self._idle.remove(member)
        _end(member)


def _started(work: Assignment, gpu: str | None) -> _Member:
    pinned = {} if gpu is None else {_GPU: gpu}
    process = WorkerProcess(work.plan_path, work.threads, {**work.environment, **pinned})
    return _Member(work.run, work.plan_path, work.environment, gpu, process)


def _end(member: _Member) -> None:
    if member.expiry is not None:
        member.expiry.cancel()
    member.process.kill()


_crew = Crew()


def work_on(work: Assignment) -> Outcome:
    """Has a unit executed by a worker of this process; engines are sent this function by name."""
    return _crew.execute(work)


def dismiss(run: str) -> None:
    """Ends what this process does for a run."""
    _crew.dismiss(run)
