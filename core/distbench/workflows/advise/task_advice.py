"""Advice on one task, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from distbench.leaderboard.statistics import Difference, Estimate
from distbench.workflows.advise.candidates import Candidate
from distbench.workflows.advise.label_curve import LabelCurve
from distbench.workflows.advise.rule import Choice
from distbench.workflows.advise.students import StudentLine

Verdict = Literal["yes", "no", "unclear"]


@dataclass(frozen=True)
class Knowledge:
    """Whether a source knows a task better than what labels alone teach the student.

    Attributes:
        verdict: ``yes`` where the whole interval of the probe lies above what the baseline
            reached on the same images, ``no`` where it lies below, else ``unclear``.
        source: The source that the metric puts first, which it does by labelled images alone.
        scored: Whether there is a metric; without one it is the heaviest source.
        probe: Accuracy of a linear probe on it, on validation images.
        baseline: Accuracy of the baseline on validation images; None where there is none.
    """

    verdict: Verdict
    source: str
    scored: bool
    probe: Estimate
    baseline: Estimate | None


@dataclass(frozen=True)
class SourceLine:
    """A source, what is made of it, and what it knows.

    Attributes:
        name: The source.
        weight: Under the method that learns from sources.
        score: Under its metric; None where the method has none.
        accuracy: Of a linear probe, on validation images; None where it was not probed.
        adds: What the weighted vote of the probes loses without it.
        trained_on: What it was trained on, as its zoo says.
        domain: The same.
        architecture: The same.
        licence: The same.
    """

    name: str
    weight: float
    score: float | None
    accuracy: Estimate | None
    adds: Difference | None
    trained_on: tuple[str, ...]
    domain: str
    architecture: str
    licence: str


@dataclass(frozen=True)
class TaskAdvice:
    """Advice on one task.

    Attributes:
        task: Its id.
        seed: Of the split that probes were trained and judged on.
        classes: How many there are.
        labelled: Images that students and probes were trained on.
        validation: Images that everything was chosen on.
        test: Images that students are judged on, and nothing else.
        baseline: The method without sources that gains are counted from; None without one.
        choice: What is advised, and what else it might have been.
        cell: Of the advised method the one whose student is best on validation images, as one
            types it.
        candidates: All methods of the run, controls and ceilings too.
        weighed_by: The method whose weights the sources have; None where none learns from any.
        knowledge: Whether a source knows the task; None without sources.
        sources: The heaviest first, of equal ones that of the highest score.
        excluded: Source to reason.
        weighted_vote: Accuracy of the weighted vote of all probes.
        equal_vote: The same with all alike.
        curves: What labels were worth.
        students: Students by latency.
        notes: What a reader should know.
    """

    task: str
    seed: int
    classes: int
    labelled: int
    validation: int
    test: int
    baseline: str | None
    choice: Choice
    cell: str
    candidates: tuple[Candidate, ...]
    weighed_by: str | None = None
    knowledge: Knowledge | None = None
    sources: tuple[SourceLine, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    weighted_vote: Estimate | None = None
    equal_vote: Estimate | None = None
    curves: tuple[LabelCurve, ...] = ()
    students: tuple[StudentLine, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def advised(self) -> Candidate:
        """The method that is advised."""
        return self.choice.advised

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        table = asdict(self)
        table["choice"] = {
            "advised": self.choice.advised.method,
            "leader": self.choice.leader.method,
            "near": [one.method for one in self.choice.near],
            "slack": self.choice.slack,
        }
        for line, curve in zip(table["curves"], self.curves, strict=True):
            line["next_doubling"] = curve.next_doubling
        return table
