"""How long a run still takes: what its units should cost, corrected by what they did cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush

from distbench.interfaces.execution.unit import Kind, Unit
from distbench.planning.plan import Plan


class TimeLeft:
    """Seconds until the last of some units has ended.

    Units of one kind cost in proportion to their size: images that go through a student times its
    steps, operations of a source. What a kind costs is told by its units that have ended, and until
    one has by the estimate, where there is one. What does not cost the same is not counted alike:
    twenty scores say nothing of how long a training takes.

    It is asked at every piece of news, so what waits is known by its kinds, and only what has begun
    is looked at one by one.

    Args:
        units: All of them.
        sizes: Of each by its id.
        seconds: Whether sizes are seconds already, so that something is known at once.
        workers: How many are worked on at once.
        clock: Gives the time, seconds.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        sizes: Mapping[str, float],
        *,
        seconds: bool,
        workers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sizes, self._workers, self._clock = sizes, max(1, workers), clock
        self._open: dict[str, Kind] = {unit.id: unit.kind for unit in units}
        self._waiting: dict[Kind, _Waiting] = {}
        for unit in units:
            self._waiting.setdefault(unit.kind, _Waiting()).add(unit.id, sizes[unit.id])
        self._begun: dict[str, float] = {}
        self._counted: dict[str, float] = {}
        self._ends: dict[str, float] = {}
        self._took: dict[Kind, float] = {}
        self._done: dict[Kind, float] = {}
        self._usual = 1.0 if seconds else None

    def begun(self, unit: str) -> None:
        """A unit has begun, or begins again after it was lost."""
        self._forget(unit)
        self._begun[unit] = self._clock()

    def reached(self, unit: str, share: float) -> None:
        """A unit that has begun has got so far, 0..1; at 0 it does what must be done before."""
        if unit not in self._begun:
            return
        now = self._clock()
        if share > 0:
            since = self._counted.get(unit, self._begun[unit])
            self._ends[unit] = now + (now - since) * (1 - share) / share
        else:
            self._counted[unit] = now

    def ended(self, unit: str, seconds: float) -> None:
        """A unit has ended for good, after so many seconds."""
        self._forget(unit)
        kind = self._open.pop(unit, None)
        if kind is not None:
            self._took[kind] = self._took.get(kind, 0.0) + seconds
            self._done[kind] = self._done.get(kind, 0.0) + self._sizes[unit]

    def seconds(self) -> float | None:
        """What is left; None where a kind is to come of which nothing is known yet."""
        now, total, longest = self._clock(), 0.0, 0.0
        for kind, waiting in self._waiting.items():
            if waiting:
                rate = self._rate(kind)
                if rate is None:
                    return None
                total, longest = total + waiting.size * rate, max(longest, waiting.largest * rate)
        for unit, since in self._begun.items():
            rate = self._rate(self._open[unit])
            if rate is None:
                return None
            end = self._ends.get(unit, since + self._sizes[unit] * rate)
            total, longest = total + max(end - now, 0.0), max(longest, end - now)
        return max(total / self._workers, longest)

    def _forget(self, unit: str) -> None:
        """It waits no more, nor goes on as it did."""
        if unit in self._open and unit not in self._begun:
            self._waiting[self._open[unit]].remove(unit, self._sizes[unit])
        for known in (self._begun, self._counted, self._ends):
            known.pop(unit, None)

    def _rate(self, kind: Kind) -> float | None:
        """Seconds for each unit of size."""
        if self._done.get(kind):
            return self._took[kind] / self._done[kind]
        return self._usual


class _Waiting:
    """Units of one kind that have not begun: their size in all, and the largest."""

    def __init__(self) -> None:
        self.size = 0.0
        self._ids: set[str] = set()
        self._by_size: list[tuple[float, str]] = []

    def __bool__(self) -> bool:
        return bool(self._ids)

    def add(self, unit: str, size: float) -> None:
        """One that waits."""
        self._ids.add(unit)
        self.size += size
        heappush(self._by_size, (-size, unit))

    def remove(self, unit: str, size: float) -> None:
        """One that waits no more."""
        self._ids.remove(unit)
        self.size -= size

    @property
    def largest(self) -> float:
        """Size of the largest; there is one."""
        while self._by_size[0][1] not in self._ids:
            heappop(self._by_size)
        return -self._by_size[0][0]


def sizes_of(plan: Plan, units: Sequence[Unit]) -> dict[str, float]:
    """How much there is to do in each unit of a plan, comparable within a kind."""
    jobs, cells = {job.id: job for job in plan.jobs}, {cell.id: cell for cell in plan.cells}
    tasks = {id: plan.task(id) for id in {unit.task for unit in units}}
    sizes = {}
    for unit in units:
        images = tasks[unit.task].images.get("train", 1) or 1
        source = jobs[unit.id].source if unit.kind == "embed" and unit.id in jobs else None
        if unit.kind == "cell":
            sizes[unit.id] = plan.method(cells[unit.id].method).step_images or 1.0
        elif source is not None:
            sizes[unit.id] = images * float(plan.source(source).macs or 1)
        elif unit.kind in ("prepare", "together"):
            sizes[unit.id] = float(images)
        else:
            sizes[unit.id] = 1.0
    return sizes
