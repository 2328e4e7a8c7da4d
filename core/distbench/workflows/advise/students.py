"""Which student for which latency: what runs of a task with different students reached and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distbench.engine.records.run_folder import RunFolder, open_run
from distbench.errors import UsageError
from distbench.leaderboard.statistics import Estimate
from distbench.storage.hits import FolderHits
from distbench.storage.paths import without_links
from distbench.storage.rows import Row
from distbench.workflows.advise.candidates import candidates_of
from distbench.workflows.advise.rule import choose

_DEVICE = ("device", "device_name", "threads")
"""What of an environment latency depends on."""


@dataclass(frozen=True)
class StudentLine:
    """A student, trained by what would be advised for it.

    Attributes:
        student: The student as one would type it.
        image_size: Side of its input, pixels.
        method: What is advised of the methods of its run.
        validation: Accuracy on validation images.
        latency_ms: Of one image.
        parameters: How many it has.
        macs: Multiply-accumulates of an image.
        run: The folder of its run.
        worth: Whether no other student here is as fast and as good, and one of these more.
    """

    student: str
    image_size: int
    method: str
    validation: Estimate
    latency_ms: float
    parameters: int
    macs: int
    run: str
    worth: bool


def students_of(run: RunFolder, task: str) -> list[StudentLine]:
    """The fastest first: the run's own student, and those of runs beside it.

    Runs count that lie in the same folder, have the same images of the task, and were computed on
    the same kind of device with as many threads: latencies of others cannot be compared.
    """
    lines: list[StudentLine] = []
    own = _facts(run.rows, task)
    for other in [run, *_beside(run)]:
        if _facts(other.rows, task) == own and (line := _line(other, task)) is not None:
            lines.append(line)
    first: dict[tuple[str, int], StudentLine] = {}
    for line in lines:
        first.setdefault((line.student, line.image_size), line)
    return rated(sorted(first.values(), key=lambda line: line.latency_ms))


def rated(lines: Sequence[StudentLine]) -> list[StudentLine]:
    """The same students, of which each is said to be worth it or not."""
    return [replace(line, worth=not any(_beats(other, line) for other in lines)) for line in lines]


def _beats(one: StudentLine, other: StudentLine) -> bool:
    """Whether a student is no slower and no worse than another, and one of these less."""
    ours, theirs = ((-line.latency_ms, line.validation.mean) for line in (one, other))
    return ours != theirs and ours[0] >= theirs[0] and ours[1] >= theirs[1]


def _line(run: RunFolder, task: str) -> StudentLine | None:
    rows = [row for row in run.rows if row.task.id == task]
    choice = choose(candidates_of(rows, FolderHits(run.folder), None))
    if choice is None or choice.advised.latency_ms is None:
        return None
    costs = next(row.cost for row in rows if row.method.id == choice.advised.method and row.cost)
    return StudentLine(
        student=_typed(run.plan.student_identity),
        image_size=run.plan.protocol.image_size,
        method=choice.advised.method,
        validation=choice.advised.validation,
        latency_ms=choice.advised.latency_ms,
        parameters=costs.parameters,
        macs=costs.student_macs,
        run=str(run.folder),
        worth=True,
    )


def _typed(component: dict[str, Any]) -> str:
    architecture = component.get("params", {}).get("architecture")
    return ":".join(str(part) for part in (component.get("name"), architecture) if part)


def _facts(rows: Sequence[Row], task: str) -> set[tuple[Any, ...]]:
    """What two runs must share for their students to be compared."""
    return {
        (row.task.fingerprint, *(row.environment.get(fact) for fact in _DEVICE))
        for row in rows
        if row.task.id == task and row.result is not None
    }


def _beside(run: RunFolder) -> Iterator[RunFolder]:
    """Runs in the same folder that can be read."""
    own = without_links(run.folder)
    for file in sorted(Path(own).parent.glob("*/rows.jsonl")):
        if file.parent != own:
            try:
                yield open_run(file.parent)
            except UsageError:
                continue
