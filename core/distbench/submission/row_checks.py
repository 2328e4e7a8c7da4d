"""Every row of a bundle held against its plan, its predictions and the labels of its task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from distbench.planning.keys import split_seed
from distbench.storage.predictions import accuracy, balanced_accuracy, predictions_digest
from distbench.storage.rows import CostBlock, ResultBlock, Row
from distbench.submission.bundle import Bundle
from distbench.submission.inference_claims import single_macs
from distbench.submission.manifest import PlanTask, same_json
from distbench.submission.probability_checks import ProbabilityChecks
from distbench.submission.row_claims import impossible
from distbench.submission.score_checks import ScoreChecks
from distbench.submission.tally import CellId, Tally
from distbench.submission.task_labels import TaskLabels
from distbench.submission.text_checks import Texts
from distbench.submission.validation_report import ValidationReport, shown

_EXACT = 1e-9
"""Two ways to add up the same counts differ by less; one image of a test part is far more."""


class RowChecks:
    """Looks at rows as they pass.

    Args:
        bundle: The bundle.
        labels: Where labels are found.
        texts: Checks of texts and numbers.
        report: Takes the reasons.
        initialisations: What methods begin from, by id, where that is known.

    Attributes:
        scores: Looks at what metrics said in a study.
        tally: What was counted.
        recomputed: In how many rows the accuracies were.
        unknown: For how many rows they could not be, by task, with the reason.
        probabilities: Looks at test probabilities.
    """

    def __init__(
        self,
        bundle: Bundle,
        labels: TaskLabels,
        texts: Texts,
        report: ValidationReport,
        initialisations: Mapping[str, str] = {},
    ) -> None:
        self._initialisations, self._bundle, self._labels = initialisations, bundle, labels
        self._texts, self._report, plan = texts, report, bundle.plan
        self._planned = plan.cells()
        self._tasks = {task.id: task for task in plan.tasks}
        self._methods = {method.id: method for method in plan.methods}
        self._sources = plan.everyone()
        protocol = {k: v for k, v in plan.protocol.items() if k != "seeds"}
        self._shared = {
            "suite": plan.suite,
            "suite_version": plan.suite_version,
            "protocol": protocol,
            "student": plan.student,
        }
        self._sizes: dict[tuple[int, str], tuple[int, int, str]] = {}
        self._drawn: dict[tuple[str, int], tuple[tuple[int, ...], str]] = {}
        self._keys: set[str] = set()
        self.scores = ScoreChecks(report)
        self.tally = Tally()
        self.recomputed = 0
        self.unknown: dict[str, tuple[int, str]] = {}
        self.probabilities = ProbabilityChecks(bundle)

    def look(self, row: Row) -> None:
        """Checks a row."""
        where = f"{shown(row.method.id)} on {shown(row.task.id)}, seed {shown(row.seed, 20)}"
        cell: CellId = (row.method.id, row.task.id, row.seed)
        if cell in self.tally.status:
            self._report.refuse("cells that stand twice", f"{where}: the cell stands twice")
            return
        self._texts.check(
            row.model_dump(include={"result", "cost", "environment", "reason", "plugins"}), where
        )
        if not self._is_planned(row, cell, where):
            return
        if not all(_scalar(value) for value in row.environment.values()):
            self._refuse("environments", where, "its environment is no table of plain values")
            return
        self.tally.add(row)
        task = self._tasks[row.task.id]
        if row.traceback is not None:
            self._refuse("tracebacks", where, "it holds a traceback, which may show paths")
        if row.status != "done":
            if row.result is not None or row.cost is not None or not row.reason:
                self._refuse("status", where, f"it is {row.status} but has results, or no reason")
        elif row.result is None or row.cost is None:
            self._refuse("status", where, "it is done but has no result or no cost")
        else:
            for claim in impossible(row, task.several):
                self._refuse(claim.kind, where, claim.reason)
            self._sources_of(row.result, where)
            self._cost(row, row.cost, row.result, len(task.classes), where)
            self._same_parts(row, row.result, where)
            self._beginning(row, row.result, where)
            self._parts(row.result, task, where)
            self._predictions(row, row.result, task, where)
            self.scores.look(row, where)
            if row.result.parts.split_seed != split_seed(row.suite, row.task.id, row.seed):
                self._refuse("seeds", where, "its split was not drawn from suite, task and seed")

    def finish(self) -> None:
        """Checks what only all rows together tell: coverage, the manifest, tensors of no row."""
        manifest, plan = self._bundle.manifest, self._bundle.plan
        for name, value in self.tally.described(plan).items():
            if getattr(manifest, name) != value:
                claimed, counted = (
                    shown(to_json(v).decode()) for v in (getattr(manifest, name), value)
                )
                self._report.refuse(
                    "manifest",
                    f"bundle.json gives {name} as {claimed}; rows and plan make it {counted}",
                )
        tensors = {"predictions": self._bundle.tensors, "probabilities": self._bundle.probabilities}
        for what, of in tensors.items():
            for key in of.keys() - self._keys:
                self._report.refuse(
                    f"{what} of no row", f"there are {what} of {shown(key, 12)}, but no row"
                )

    def _refuse(self, kind: str, where: str, reason: str) -> None:
        self._report.refuse(kind, f"{where}: {reason}")

    def _is_planned(self, row: Row, cell: CellId, where: str) -> bool:
        """Whether a row is that of a planned cell: its key, method, task and settings."""
        key = self._planned.get(cell)
        if key is None:
            self._refuse("cells that are not planned", where, "the plan has no such cell")
            return False
        if row.key != key:
            self._refuse("keys", where, "its key is not the planned one")
        for name, value in self._shared.items():
            if not same_json(getattr(row, name), value):
                self._refuse(
                    f"another {name}",
                    where,
                    f"its {name} is {shown(getattr(row, name))}, planned is {shown(value)}",
                )
        method, task = self._methods[row.method.id], self._tasks[row.task.id]
        zoo = self._bundle.plan.zoo if "distiller" in method.components else None
        if row.zoo != zoo:
            self._refuse("another zoo", where, f"its zoo is {shown(row.zoo)}, not {shown(zoo)}")
        if row.method.role != method.role or not same_json(
            row.method.components, method.components
        ):
            self._refuse("another method", where, "its components or role are not the planned ones")
        facts = ("use", "fingerprint", "classes", "flip")
        if any(getattr(row.task, name) != getattr(task, name) for name in facts):
            self._refuse("another task", where, "its data or classes are not the planned ones")
            return False
        return True

    def _sources_of(self, result: ResultBlock, where: str) -> None:
        sources = result.sources
        named = {*sources.eligible, *sources.excluded, *sources.scores, *sources.weights}
        for name in sorted(named - self._sources.keys()):
            self._refuse("unknown sources", where, f"the plan has no source '{shown(name)}'")
        weights = sources.weights.values()
        if weights and (min(weights) < 0 or not math.isclose(sum(weights), 1, abs_tol=1e-4)):
            self._refuse("weights", where, f"its weights sum to {sum(weights):g} or are negative")
        for name, fingerprint in sources.fingerprints.items():
            if name in self._sources and self._sources[name].fingerprint != fingerprint:
                self._refuse("weights of sources", where, f"{shown(name)} has other weights")

    def _cost(
        self, row: Row, cost: CostBlock, result: ResultBlock, classes: int, where: str
    ) -> None:
        steps, allowed = cost.steps, self._bundle.plan.protocol.get("steps")
        if not isinstance(allowed, int) or steps > allowed:
            self._refuse("steps", where, f"{steps} steps, the protocol allows {shown(allowed)}")
        if "trained_source" in result.declared:
            return  # what was trained is no student
        own = row.method.id if "head" in result.declared else ""  # a head of its own has a size
        macs = single_macs(cost, result)
        known = self._sizes.setdefault((classes, own), (cost.parameters, macs, where))
        if known[:2] != (cost.parameters, macs):
            self._refuse(
                "costs",
                where,
                f"a student of {cost.parameters:,} parameters and {macs:,} MACs; with "
                f"as many classes it has {known[0]:,} and {known[1]:,} ({known[2]})",
            )

    def _same_parts(self, row: Row, result: ResultBlock, where: str) -> None:
        """The draw depends on task and seed alone, so all methods have the same parts."""
        parts = result.parts
        sizes = (parts.labelled, parts.unlabelled, parts.validation, parts.test)
        known, first = self._drawn.setdefault((row.task.id, row.seed), (sizes, where))
        if sizes != known:
            self._refuse(
                "parts",
                where,
                "its labelled, unlabelled, validation and test images are "
                f"{', '.join(map(str, sizes))}; {first} has {', '.join(map(str, known))}",
            )

    def _beginning(self, row: Row, result: ResultBlock, where: str) -> None:
        declared = result.declared.get("initialisation")
        known = self._initialisations.get(row.method.id, declared)
        if declared != known:
            self._refuse(
                "initialisations",
                where,
                f"it declares initialisation {shown(declared)}, not {known}",
            )

    def _parts(self, result: ResultBlock, task: PlanTask, where: str) -> None:
        """Holds the sizes of parts against those of the task, where it is at hand."""
        index = self._labels.task(task)
        if isinstance(index, str):
            return
        parts, held = result.parts, {name: len(part) for name, part in index.parts.items()}
        trained = held["train"] + held.get("validation", 0)
        if (claimed := parts.unlabelled + parts.validation) > trained:
            self._refuse(
                "parts",
                where,
                f"{claimed:,} images to train on and validate with, the task has {trained:,}",
            )
        if parts.test > held["test"]:
            self._refuse(
                "parts", where, f"{parts.test:,} test images, the task has {held['test']:,}"
            )

    def _predictions(self, row: Row, result: ResultBlock, task: PlanTask, where: str) -> None:
        self._keys.add(row.key)
        parts = result.parts
        if parts.test < 1:
            return
        predictions = self._bundle.predictions(row.key)
        if predictions is None:
            self._refuse("predictions", where, "its predictions are missing")
            return
        if predictions_digest(predictions) != result.predictions_digest:
            self._refuse("predictions", where, "its predictions are not those of its digest")
        if predictions.shape[1:] != ((len(task.classes),) if task.several else ()):
            self._refuse("predictions", where, f"its predictions are of shape {predictions.shape}")
        elif len(predictions) != parts.test:
            self._refuse(
                "predictions", where, f"{len(predictions)} predictions of {parts.test} images"
            )
        elif not task.several and predictions.max() >= len(task.classes):
            self._refuse(
                "predictions", where, f"predicts class {predictions.max()} of {len(task.classes)}"
            )
        else:
            classes = len(task.classes)
            if wrong := self.probabilities.wrong(row, result, predictions, classes):
                self._refuse("probabilities", where, wrong)
            self._judge(predictions, result, task, where)

    def _judge(
        self, predictions: NDArray[np.int64], result: ResultBlock, task: PlanTask, where: str
    ) -> None:
        labels = self._labels.test_labels(task, result.parts.skipped)
        if isinstance(labels, str):
            count, _ = self.unknown.get(task.id, (0, ""))
            self.unknown[task.id] = (count + 1, labels)
            return
        if labels.shape != predictions.shape:
            self._refuse(
                "predictions",
                where,
                f"{len(predictions)} predictions, the task has {len(labels)} images",
            )
            return
        self.recomputed += 1
        for name, claimed, compute in (
            ("accuracy", result.accuracy, accuracy),
            ("balanced accuracy", result.balanced_accuracy, balanced_accuracy),
        ):
            value = compute(predictions, labels)
            if not abs(value - claimed) < _EXACT:
                self._refuse(
                    "accuracies",
                    where,
                    f"{name} {claimed:.6g} is claimed, its predictions give {value:.6g}",
                )


def _scalar(value: Any) -> bool:
    """Whether a value is a text, a finite number, a switch or nothing."""
    return isinstance(value, (str, int, NoneType)) or (
        isinstance(value, float) and math.isfinite(value)
    )
