"""What a run says of each method that might be advised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from distbench.leaderboard.statistics import (
    Difference,
    Estimate,
    Hits,
    accuracy_interval,
    paired_difference,
)
from distbench.storage.hits import FolderHits
from distbench.storage.predictions import answered_rightly
from distbench.storage.rows import Row


@dataclass(frozen=True)
class Candidate:
    """A method on the task, over its seeds.

    Attributes:
        method: Its name in the table.
        kind: Its distiller and strategy, or its baseline, without parameters.
        role: ``ranked``, ``control`` or ``ceiling``; only ranked ones are advised.
        seeds: How many seeds it has.
        validation: Accuracy on validation images, by which methods are chosen.
        test: Accuracy on test images, which is only reported; None where the answers are not kept.
        gain: What it is ahead of the baseline on test images; None for the baseline itself.
        latency_ms: Of one image through its student; the least of all students here that are the
            same network, since other work on the machine only ever makes it longer.
        train_seconds: Of its student's training; the mean over seeds.
    """

    method: str
    kind: str
    role: Literal["ranked", "control", "ceiling"]
    seeds: int
    validation: Estimate
    test: Estimate | None
    gain: Difference | None
    latency_ms: float | None
    train_seconds: float | None


def candidates_of(
    rows: Sequence[Row], answers: FolderHits, baseline: str | None
) -> list[Candidate]:
    """The methods that were judged on validation images, in the order of the rows.

    Args:
        rows: Those of one task.
        answers: What the run's folder holds of them.
        baseline: The method that gains are counted from.
    """
    by_method: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.result is not None and row.result.validation_accuracy is not None:
            by_method[row.method.id].append(row)
    hits = {method: _test_hits(mine, answers) for method, mine in by_method.items()}
    base = hits.get(baseline or "", {})
    return [
        Candidate(
            method=method,
            kind=kind_of(mine[0].method.components),
            role=mine[0].method.role,
            seeds=len(mine),
            validation=accuracy_interval(_validation_hits(mine)),
            test=accuracy_interval(np.stack([*own.values()])) if (own := hits[method]) else None,
            gain=None if method == baseline else _gain(own, base),
            latency_ms=_latency(mine, rows),
            train_seconds=_mean([row.cost.train_seconds for row in mine if row.cost]),
        )
        for method, mine in by_method.items()
    ]


def _latency(mine: Sequence[Row], rows: Sequence[Row]) -> float | None:
    networks = {(row.cost.student_macs, row.cost.parameters) for row in mine if row.cost}
    alike = [
        row.cost.latency_ms
        for row in rows
        if row.cost and (row.cost.student_macs, row.cost.parameters) in networks
    ]
    return min((latency for latency in alike if latency is not None), default=None)


def kind_of(components: dict[str, dict[str, Any]]) -> str:
    """What a method is made of, without parameters: ``pseudo_labels/weighted``, ``finetune``."""
    kinds = ("distiller", "strategy") if "distiller" in components else ("baseline",)
    return "/".join(str(components[kind]["name"]) for kind in kinds if kind in components)


def best_row(rows: Sequence[Row], method: str) -> Row:
    """Of a method the row that is best on validation images; the first of equal ones."""
    mine = [row for row in rows if row.method.id == method and row.result is not None]
    return max(mine, key=lambda row: (row.result and row.result.validation_accuracy) or 0.0)


def _validation_hits(rows: Sequence[Row]) -> Hits:
    """Hits (s, n) with the accuracies of rows.

    Which images they are is not kept. That all seeds are right on the same ones is the choice that
    claims least: the images of several seeds then count once.
    """
    parts = [row.result for row in rows if row.result is not None]
    images = min(part.parts.validation for part in parts)
    shares = np.array([part.validation_accuracy for part in parts])
    return np.asarray(np.arange(images) < np.round(shares * images)[:, None])


def _test_hits(rows: Sequence[Row], answers: FolderHits) -> dict[int, Any]:
    """Which test images each seed is right on; empty where the answers of one are not kept."""
    hits: dict[int, Any] = {}
    for row in rows:
        predictions, labels = answers.predictions(row), answers.labels(row)
        if predictions is None or labels is None or predictions.shape != labels.shape:
            return {}
        hits[row.seed] = answered_rightly(predictions, labels)
    return hits


def _gain(ours: dict[int, Any], theirs: dict[int, Any]) -> Difference | None:
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return None
    return paired_difference(
        np.stack([ours[seed] for seed in seeds]), np.stack([theirs[seed] for seed in seeds])
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
