"""Rows made small: only what a table needs, with everything that repeats held once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, cast

from distbench.leaderboard.rows.measures import ACCURACY, Judged, MeasureFacts
from distbench.storage.rows import ResultBlock, Row

Role = Literal["ranked", "control", "ceiling"]
POINTS = 24
"""Points of a learning curve that are kept at most."""

_NOT_ASKED = Judged(None, "it was not asked")
_NAN = float("nan")
_SHELF = 64
"""Different values of one kind that are looked through; more are not worth it."""


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
    those of the row say.
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


T = TypeVar("T")


class Reader:
    """Makes records of rows; what equals something seen before is held once."""

    def __init__(self) -> None:
        self._shelves: dict[Any, list[Any]] = {}
        self._scores: dict[bytes, array[float]] = {}

    def _once(self, shelf: Any, value: T) -> T:
        """The first value of this shelf that equals this one."""
        held = self._shelves.setdefault(shelf, [])
        for known in held:
            if known == value:
                return cast(T, known)
        if len(held) < _SHELF:
            held.append(value)
        return value

    def record(
        self,
        row: Row,
        origin: int = 0,
        *,
        hits: bytes | None = None,
        group: str = "",
        measure: MeasureFacts = ACCURACY,
        judged: Mapping[str, Judged] = {},
    ) -> RowRecord:
        """A row as a record.

        Args:
            row: The row.
            origin: Number of the file that it comes from.
            hits: Its `CellResult.hits`.
            group: Name that its task shares with those that have data in common with it.
            measure: What methods are compared by on its task.
            judged: Its `CellResult.judged`.
        """
        protocol = row.protocol
        if "seeds" in protocol:  # a run that adds seeds adds to the table
            protocol = {k: v for k, v in protocol.items() if k != "seeds"}
        setting = TableSetting(row.suite, row.suite_version, protocol, row.student)
        method, task = row.method, row.task
        facts = DeclaredTask(
            task.id,
            task.use,
            task.fingerprint,
            len(task.classes),
            task.notes,
            task.flip,
            group or task.id,
            measure,
        )
        declared = DeclaredMethod(method.id, method.role, method.components)
        cost = CostFacts(*map(vars(row.cost).__getitem__, CostFacts._fields)) if row.cost else None
        return RowRecord(
            key=row.key,
            status=row.status,
            reason=row.reason,
            method=self._once(("method", method.id), declared),
            task=self._once(("task", task.id), facts),
            setting=self._once("setting", setting),
            zoo=row.zoo,
            seed=row.seed,
            schema_version=row.schema_version,
            result=self._outcome(row, row.result, hits)._replace(judged=judged)
            if row.status == "done" and row.result
            else None,
            cost=cost,
            environment=self._once("environment", row.environment),
            plugins=self._once("plugins", row.plugins),
            origin=origin,
        )

    def _outcome(self, row: Row, result: ResultBlock, hits: bytes | None) -> CellResult:
        method = row.method.id
        blocks, parts, curve = result.sources, result.parts, result.curve
        names = tuple(blocks.weights)
        if blocks.eligible == names and (not blocks.scores or tuple(blocks.scores) == names):
            weight = array("d", blocks.weights.values())
            score = array("d", blocks.scores.values() or (_NAN,) * len(names))
        else:
            names = tuple(dict.fromkeys((*blocks.eligible, *blocks.weights, *blocks.scores)))
            weight = array("d", [blocks.weights.get(n, 0.0) for n in names])
            score = array("d", [blocks.scores.get(n, _NAN) for n in names])
        some = curve if len(curve) <= POINTS else _thinned(curve)
        return CellResult(
            accuracy=result.accuracy,
            balanced_accuracy=result.balanced_accuracy,
            student_digest=result.student_digest,
            sources=Learnt(
                names=self._once(("names", len(names)), names),
                weight=weight,
                score=self._scores.setdefault(score.tobytes(), score),
                excluded=self._once(("excluded", row.task.id), blocks.excluded),
                marked=self._once(("marked", row.task.id), blocks.marked),
            ),
            curve=LearningCurve(
                self._once("steps", tuple([p.step for p in some])),
                array("f", [p.loss for p in some]),
                array("f", [_NAN if (v := p.validation_accuracy) is None else v for p in some]),
            ),
            parts=self._once(
                ("parts", row.task.id),
                Parts(parts.labelled, parts.unlabelled, parts.validation, parts.test),
            ),
            declared=self._once(("declared", method), result.declared),
            hits=hits,
        )


def _thinned(curve: tuple[Any, ...]) -> list[Any]:
    """Evenly spaced points of a curve, the last among them."""
    last = len(curve) - 1
    return [curve[round(last * (i + 1) / POINTS)] for i in range(POINTS)]


def as_records(rows: Iterable[Row | RowRecord]) -> list[RowRecord]:
    """Rows as records, one at a time; what is a record already stays as it is."""
    reader = Reader()
    return [row if isinstance(row, RowRecord) else reader.record(row) for row in rows]
