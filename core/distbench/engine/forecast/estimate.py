"""How long the units of a run will take, and how much memory, told before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from distbench.engine.forecast.pace import Pace, measure_pace
from distbench.engine.forecast.schedule import longest_paths, makespan
from distbench.interfaces.execution.unit import Unit
from distbench.interfaces.progress import spoken_time
from distbench.planning.plan import Job, Plan, PlannedMethod, PlannedTask
from distbench.planning.suite_choice import NO_SUITE
from distbench.planning.units import sources_together
from distbench.storage.network.downloads import readable
from distbench.storage.rows import Row

_POINTS = 10
"""Of a learning curve, each with a pass over the validation images."""
_SCORE, _CELL = 0.5, 1.5
"""Seconds of a score, and of a cell besides its images."""
_WORTH_IT = 5_000
"""Images of all students together, from which on measuring is shorter than waiting."""
_START = 6.0
"""Seconds until workers have begun."""
_WORKER = 700e6
"""Bytes of a worker besides the images of a step."""
_HOUR, _MOST = 3600.0, 0.7
"""Seconds and share of the free memory beyond which there is a warning."""


@dataclass(frozen=True)
class Estimate:
    """What a run is expected to take.

    Attributes:
        units: Seconds of each unit, by its id.
        workers: How many are worked on at once.
        memory: Bytes of a worker at its peak.
        heaviest: The method that takes longest in all, and its share of the time.
        seconds: From beginning to end.
        urgency: Of each unit, by its id: with the most urgent first it takes so long.
    """

    units: Mapping[str, float]
    workers: int
    memory: float
    heaviest: tuple[str, float]
    seconds: float
    urgency: Mapping[str, float]

    def __str__(self) -> str:
        each = " each" if self.workers > 1 else ""
        many = f"{self.workers} workers" if self.workers > 1 else "a worker"
        took, memory = spoken_time(self.seconds), readable(self.memory)
        return f"about {took} and {memory} of memory{each} with {many}"

    def warning(self, free: float | None) -> str | None:
        """What to say where that is much: over an hour, or over 70 % of the free memory.

        Args:
            free: Bytes that are free; None where nobody tells.
        """
        method, share = self.heaviest
        if self.seconds > _HOUR:
            most = f", {100 * share:.0f} % of it for {method}" if share > 0.5 else ""
            return (
                f"this will take {spoken_time(self.seconds)}{most}; fewer methods, --steps, a "
                "smaller --image-size or --batch make it shorter. What ends is kept, whenever it "
                "is stopped"
            )
        if free is not None and self.workers * self.memory > _MOST * free:
            return (
                f"{self.workers} workers will take about {readable(self.workers * self.memory)} of "
                f"memory, and {readable(free)} are free; take fewer with --workers, or a smaller "
                "--batch or --image-size"
            )
        return None


def foreseen(
    plan: Plan, units: Sequence[Unit], workers: int, rows: Callable[[], Sequence[Row]]
) -> Estimate | None:
    """What units of a plan are expected to take here; None where nobody would wait for it.

    That is so where the students see few images, and in suites, whose sizes are known. Nor is there
    an estimate where a student or source cannot be run: its unit will say why.

    Args:
        plan: The plan.
        units: What is to be done.
        workers: How many are worked on at once.
        rows: Gives those of cells of this plan that were computed before.
    """
    cells = {cell.id: cell.method for cell in plan.cells}
    shown = [plan.method(cells[unit.id]).step_images for unit in units if unit.kind == "cell"]
    if plan.suite != NO_SUITE or sum(shown) * plan.protocol.steps < _WORTH_IT:
        return None
    pace = measure_pace(plan, workers)
    return None if isinstance(pace, str) else estimate(plan, units, pace, workers, rows())


def estimate(
    plan: Plan, units: Sequence[Unit], pace: Pace, workers: int, rows: Sequence[Row] = ()
) -> Estimate:
    """What units of a plan are expected to take.

    Teachers that are trained within a cell are not foreseen, nor are extra passes of a method.

    Args:
        plan: The plan.
        units: What is to be done.
        pace: Of this machine.
        workers: How many are worked on at once.
        rows: Of cells of this plan that were computed before: of their methods the mean is taken.
    """
    known = mean_seconds(rows)
    jobs, cells = {job.id: job for job in plan.jobs}, {cell.id: cell for cell in plan.cells}
    seconds: dict[str, float] = {}
    of_methods: dict[str, float] = {}
    memory = 0.0
    for unit in units:
        task = plan.task(unit.task)
        if unit.kind == "cell":
            method = plan.method(cells[unit.id].method)
            took = known.get(method.id) or _of_cell(plan, task, method, pace)
            of_methods[method.id] = of_methods.get(method.id, 0.0) + took
            memory = max(memory, method.step_images * pace.memory)
        else:
            took = _of_job(plan, task, jobs.get(unit.id), unit, pace)
        seconds[unit.id] = took
    heaviest = max(of_methods, key=lambda name: of_methods[name], default="")
    share = of_methods.get(heaviest, 0.0) / (sum(seconds.values()) or 1.0)
    workers = max(1, workers)
    return Estimate(
        units=seconds,
        workers=workers,
        memory=_WORKER + memory,
        heaviest=(heaviest, share),
        seconds=_START + makespan(units, seconds, workers),
        urgency=longest_paths(units, seconds),
    )


def mean_seconds(rows: Iterable[Row]) -> dict[str, float]:
    """Mean seconds of a finished cell by method."""
    took: dict[str, list[float]] = {}
    for row in rows:
        if row.cost is not None:
            took.setdefault(row.method.id, []).append(row.cost.total_seconds)
    return {method: sum(times) / len(times) for method, times in took.items()}


def _of_cell(plan: Plan, task: PlannedTask, method: PlannedMethod, pace: Pace) -> float:
    images = method.step_images * plan.protocol.steps
    judged = _POINTS * task.images.get("validation", 0) + task.images.get("test", 0)
    return _CELL + images * pace.learn + judged * pace.show


def _of_job(plan: Plan, task: PlannedTask, job: Job | None, unit: Unit, pace: Pace) -> float:
    train, test = task.images.get("train", 0), task.images.get("test", 0)
    if unit.kind == "prepare":
        return (train + test) * pace.read
    if unit.kind == "reference":
        return _CELL + plan.protocol.steps * plan.protocol.batch * pace.learn
    if unit.kind == "together":
        _, sources = sources_together(plan, unit.id) or ("", ())
        return sum(train * pace.of_source(plan.source(name).macs) for name in sources)
    if unit.kind == "embed" and job is not None and job.source:
        return train * pace.of_source(plan.source(job.source).macs)
    return _SCORE
