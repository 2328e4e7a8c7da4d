"""Rows read into records, one at a time; what repeats is held once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from distbench.leaderboard.rows.measures import ACCURACY, Judged, MeasureFacts
from distbench.leaderboard.rows.records import (
    POINTS,
    CellResult,
    CostFacts,
    DeclaredMethod,
    DeclaredTask,
    Evidence,
    LearningCurve,
    Learnt,
    Parts,
    RowRecord,
    TableSetting,
)
from distbench.storage.rows import ResultBlock, Row

T = TypeVar("T")

_NAN = float("nan")
_SHELF = 64
"""Different values of one kind that are looked through; more are not worth it."""


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
        evidence: Evidence = "run",
    ) -> RowRecord:
        """A row as a record.

        Args:
            row: The row.
            origin: Number of the file that it comes from.
            hits: Its `CellResult.hits`.
            group: Name that its task shares with those that have data in common with it.
            measure: What methods are compared by on its task.
            judged: Its `CellResult.judged`.
            evidence: How far its result is believed.
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
            evidence=evidence,
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
            validation=result.validation_accuracy,
        )


def _thinned(curve: tuple[Any, ...]) -> list[Any]:
    """Evenly spaced points of a curve, the last among them."""
    last = len(curve) - 1
    return [curve[round(last * (i + 1) / POINTS)] for i in range(POINTS)]


def as_records(rows: Iterable[Row | RowRecord]) -> list[RowRecord]:
    """Rows as records, one at a time; what is a record already stays as it is."""
    reader = Reader()
    return [row if isinstance(row, RowRecord) else reader.record(row) for row in rows]
