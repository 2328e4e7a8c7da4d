"""What a page of advice shows, as values that JSON can hold; shares are of 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from distbench.engine.records.run_folder import RunFolder
from distbench.engine.workspace import Workspace
from distbench.leaderboard.statistics import Difference, Estimate
from distbench.storage.hits import FolderHits
from distbench.storage.probabilities import probabilities
from distbench.storage.rows import Row
from distbench.workflows.advise import words
from distbench.workflows.advise.candidates import Candidate, best_row
from distbench.workflows.advise.judged import Calibration, Judged, judge
from distbench.workflows.advise.label_curve import LabelCurve
from distbench.workflows.advise.pictures import examples, picture
from distbench.workflows.advise.task_advice import TaskAdvice

_EXAMPLES = 240
"""Example images on a page at most, and four of a class."""
_MISTAKES = 48
"""Wrong images on a page at most; the surest are shown."""
_MATRIX = 40
"""Classes up to which the confusion matrix is shown; of more, the pairs alone."""
_PAIRS = 20


def page_data(run: RunFolder, work: Workspace, advice: TaskAdvice) -> dict[str, Any]:
    """Everything that the page of a task shows.

    Args:
        run: The run.
        work: Its plan, opened.
        advice: On the task.
    """
    rows = [row for row in run.rows if row.task.id == advice.task]
    row = best_row(rows, advice.advised.method)
    return {
        "task": advice.task,
        "run": run.folder.name,
        "counts": [advice.classes, advice.labelled, advice.validation, advice.test],
        "headline": words.headline(advice),
        "reason": words.reason(advice),
        "gain": words.gain(advice),
        "shipping": words.shipping(advice),
        "advised": advice.advised.method,
        "baseline": advice.baseline,
        "methods": [_method(one, advice) for one in _by_validation(advice)],
        "knowledge": words.knowledge(advice),
        "verdict": advice.knowledge.verdict if advice.knowledge else None,
        "votes": words.votes(advice),
        "weighedBy": advice.weighed_by,
        "sources": [
            {
                "name": line.name,
                "weight": line.weight,
                "score": line.score,
                "probe": _interval(line.accuracy),
                "adds": _difference(line.adds),
                "trainedOn": list(line.trained_on),
                "architecture": line.architecture,
                "licence": line.licence,
            }
            for line in advice.sources
        ],
        "excluded": list(map(list, advice.excluded.items())),
        "curves": [_curve(curve) for curve in advice.curves],
        "students": [
            {
                "student": f"{line.student}, {line.image_size} px",
                "validation": _interval(line.validation),
                "latency": line.latency_ms,
                "parameters": line.parameters,
                "method": line.method,
                "worth": line.worth,
            }
            for line in advice.students
        ],
        "notes": list(advice.notes),
        **_judged(run, work, row),
    }


def _by_validation(advice: TaskAdvice) -> list[Candidate]:
    return sorted(advice.candidates, key=lambda c: (c.role != "ranked", -c.validation.mean))


def _method(one: Candidate, advice: TaskAdvice) -> dict[str, Any]:
    return {
        "method": one.method,
        "role": one.role,
        "seeds": one.seeds,
        "near": any(one is near for near in advice.choice.near),
        "validation": _interval(one.validation),
        "test": _interval(one.test),
        "gain": _difference(one.gain),
        "latency": one.latency_ms,
        "seconds": one.train_seconds,
    }


def _curve(curve: LabelCurve) -> dict[str, Any]:
    return {
        "of": curve.of,
        "points": [[point.labels, *_interval(point.accuracy)] for point in curve.points],
        "next": curve.next_doubling,
        "text": words.more_labels(curve),
    }


def _judged(run: RunFolder, work: Workspace, row: Row) -> dict[str, Any]:
    """The student on test images, with pictures."""
    task = run.plan.task(row.task.id)
    images, split = work.images(task), work.split(task, row.seed)
    counts = [
        int((images.train_labels[split.labelled] == n).sum()) for n in range(len(task.classes))
    ]
    each = min(4, _EXAMPLES // len(task.classes))
    shown = examples(images.train, images.train_labels, split.labelled, len(task.classes), each)
    answers = FolderHits(run.folder)
    predictions, labels = answers.predictions(row), answers.labels(row)
    judged = None
    if predictions is not None and labels is not None and len(labels) == len(images.test):
        logs = run.logs(row)
        judged = judge(
            predictions, labels, None if logs is None else probabilities(logs), task.classes
        )
    return {
        "classes": [
            {
                "name": name,
                "labelled": counts[number],
                "examples": shown[number],
                **(_of_class(judged, number) if judged else {}),
            }
            for number, name in enumerate(task.classes)
        ],
        "seed": row.seed,
        "judged": judged is not None,
        "confusion": _matrix(judged) if judged else None,
        "confused": judged.evaluation.confused()[:_PAIRS] if judged else [],
        "wrong": _wrong(judged, work, row) if judged else [],
        "wrongCount": len(judged.mistakes) if judged else 0,
        "calibration": _calibration(judged.calibration) if judged and judged.calibration else None,
    }


def _of_class(judged: Judged, number: int) -> dict[str, Any]:
    one = judged.evaluation.classes[number]
    recall = _interval(judged.recall[number])
    return {"images": one.images, "recall": recall, "precision": one.precision}


def _matrix(judged: Judged) -> list[list[int]] | None:
    matrix = judged.evaluation.confusion
    return [list(row) for row in matrix] if len(matrix) <= _MATRIX else None


def _wrong(judged: Judged, work: Workspace, row: Row) -> list[dict[str, Any]]:
    task = work.plan.task(row.task.id)
    images = work.images(task)
    part = work.names.make("task", task.component).index().parts["test"]
    # Where corrupt images were left out, positions in the part are others than in the array.
    names = part.names if len(part) == len(images.test) else None
    return [
        {
            "picture": picture(images.test, one.image),
            "name": None if names is None else names[one.image],
            "label": one.label,
            "predicted": one.predicted,
            "probability": one.probability,
        }
        for one in judged.mistakes[:_MISTAKES]
    ]


def _calibration(one: Calibration) -> dict[str, Any]:
    return {
        "error": one.error,
        "confidence": one.confidence,
        "bins": [[b.low, b.high, b.images, b.confidence, _interval(b.accuracy)] for b in one.bins],
    }


def _interval(one: Estimate | None) -> Sequence[float | None]:
    """Mean, low and high; all None where nothing is known."""
    if one is None:
        return [None, None, None]
    return [_finite(one.mean), _finite(one.low), _finite(one.high)]


def _difference(one: Difference | None) -> Sequence[float | None] | None:
    """Mean, low, high and p; None where nothing is known."""
    return None if one is None else [*_interval(one), _finite(one.p)]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
