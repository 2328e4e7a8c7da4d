"""Rows made small: only what a table needs, with everything that repeats held once."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from distbench.leaderboard.rows.measures import ACCURACY, Judged, MeasureFacts

Role = Literal["ranked", "control", "ceiling"]
Evidence = Literal["run", "claimed", "recomputed", "verified"]
POINTS = 24
"""Points of a learning curve that are kept at most."""

_NOT_ASKED = Judged(None, "it was not asked")
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class DeclaredMethod:
    """A method as a row declares it; equal ones of one `Reader` are one object.

    Attributes:
        id: Its name in the table.
        written: Its name as its run wrote it, where submissions that disagree are told apart.
        again: Whether it is a method that stands already, with other results of another file.
    """

    id: str
    role: Role
    components: Mapping[str, Mapping[str, Any]]
    written: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredTask:
    """A task as a row declares it.

    Attributes:
        group: Name that tasks with common data share; the task's own where it shares none.
        measure: What methods are compared by on it unless another one is asked for.
    """

    id: str
    use: str
    fingerprint: str
    classes: int
    notes: tuple[str, ...]
    flip: bool = True
    group: str = ""
    measure: MeasureFacts = ACCURACY


@dataclass(frozen=True, slots=True)
class TableSetting:
    """What rows must share to share a table; the protocol without its seeds."""

    suite: str
    suite_version: int
    protocol: Mapping[str, Any]
    student: Mapping[str, Any]


class CostFacts(NamedTuple):
    """The numbers of a row's cost, under the names of `CostBlock`."""

    parameters: int
    student_macs: int
    teacher_macs: int | None
    training_macs: int | None
    teacher_pass_macs: int | None
    teacher_training_macs: int
    selection_macs: int | None
    steps: int
    train_seconds: float
    teacher_pass_seconds: float | None
    teacher_training_seconds: float | None
    total_seconds: float
    latency_ms: float | None
    peak_memory_mb: float | None
    data_seconds: float | None = None


class Learnt(NamedTuple):
    """The sources of a cell: `weight` and `score` (NaN for none) in the order of `names`."""

    names: tuple[str, ...]
    weight: array[float]
    score: array[float]
    excluded: Mapping[str, str]
    marked: Mapping[str, str]

    @property
    def used(self) -> bool:
        """Whether anything was learnt from a source."""
        return any(self.weight)

    @property
    def single(self) -> str | None:
        """The one source that was learnt from; None where it was none, or several."""
        used = [n for n, weight in zip(self.names, self.weight, strict=True) if weight > 0]
        return used[0] if len(used) == 1 else None


class LearningCurve(NamedTuple):
    """A learning curve, thinned to `POINTS`; `validation` is NaN where it was not measured."""

    steps: tuple[int, ...]
    loss: array[float]
    validation: array[float]


class Parts(NamedTuple):
    """How many images each part had."""

    labelled: int
    unlabelled: int
    validation: int
    test: int


class CellResult(NamedTuple):
    """What a done cell reached. Equal students with equal accuracies are the same result.

    `hits` are the test images that were classified rightly, eight a byte as `numpy.packbits` has
    them; None where predictions or labels are not at hand. `judged` has what other measures than
    those of the row say, `validation` how good it is on validation images.
    """

    accuracy: float
    balanced_accuracy: float
    student_digest: str
    sources: Learnt
    curve: LearningCurve
    parts: Parts
    declared: Mapping[str, Any]
    hits: bytes | None = None
    judged: Mapping[str, Judged] = {}
    validation: float | None = None

    def by(self, measure: MeasureFacts) -> Judged:
        """What a measure says of it."""
        if measure.name == "accuracy":
            return Judged(self.accuracy, hits=self.hits)
        if measure.name == "balanced_accuracy":
            return Judged(self.balanced_accuracy)
        return self.judged.get(measure.name, _NOT_ASKED)

    def same(self, other: CellResult) -> bool:
        """Whether another cell reached just this, with the very same network."""
        return (self.accuracy, self.balanced_accuracy, self.student_digest) == (
            other.accuracy,
            other.balanced_accuracy,
            other.student_digest,
        )


class RowRecord(NamedTuple):
    """One row, as the leaderboard holds it.

    Attributes:
        environment: Where it was computed.
        plugins: Distribution to version.
        origin: Number of the file that it comes from.
        evidence: How far its result is believed.
    """

    key: str
    status: str
    reason: str | None
    method: DeclaredMethod
    task: DeclaredTask
    setting: TableSetting
    zoo: str | None
    seed: int
    schema_version: int
    result: CellResult | None
    cost: CostFacts | None
    environment: Mapping[str, Any]
    plugins: Mapping[str, str]
    origin: int = 0
    evidence: Evidence = "run"
