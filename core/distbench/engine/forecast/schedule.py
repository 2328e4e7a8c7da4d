"""In which order units are best done, and how long they then take, from the seconds of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from pathlib import Path

from distbench.interfaces.execution.unit import Outcome, Unit
from distbench.interfaces.execution.unit_queue import UnitQueue


def longest_paths(units: Sequence[Unit], seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from the beginning of each unit to the end of the last one that waits for it.

    Where those with most are begun first, workers seldom wait at the end for one that began late
    (list scheduling by the critical path; Hu, Operations Research 9, 1961).

    Args:
        units: Each after those that it needs.
        seconds: Of each by its id.
    """
    longest: dict[str, float] = {}
    for unit in reversed(units):
        longest[unit.id] = longest.get(unit.id, 0.0) + seconds[unit.id]
        for need in unit.needs:
            longest[need] = max(longest.get(need, 0.0), longest[unit.id])
    return longest


def makespan(units: Sequence[Unit], seconds: Mapping[str, float], workers: int) -> float:
    """Seconds from the first beginning to the last end, with the longest paths begun first.

    Args:
        units: Each after those that it needs.
        seconds: Of each by its id.
        workers: How many are worked on at once.
    """
    queue = UnitQueue(units, Path(), workers=workers, urgency=longest_paths(units, seconds))
    now, under_way = 0.0, list[tuple[float, str]]()
    while queue.open:
        while len(under_way) < workers and (unit := queue.take()) is not None:
            heappush(under_way, (now + seconds[unit], unit))
        now, unit = heappop(under_way)
        queue.finish(Outcome(unit, "done"))
    return now
