"""How much labels are worth: accuracy on validation images with a share of them, and with more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.interfaces.context import Context
from distbench.leaderboard.statistics import (
    Difference,
    Estimate,
    accuracy_interval,
    paired_difference,
)
from distbench.workflows.advise.probes import probe_hits

SHARES = (0.25, 0.5, 1.0)
_DRAWS = 5
"""Draws of a share of the labels, over which their accuracy is a mean."""


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy on validation images with some of the labels."""

    labels: int
    accuracy: Estimate


@dataclass(frozen=True)
class LabelCurve:
    """Accuracy by the number of labels, and what twice as many would bring if the trend goes on.

    Attributes:
        of: What was trained: a probe on a source, or a method.
        points: From few labels to all.
        last_doubling: What the second half of the labels brought; None where that is not known
            image by image.
    """

    of: str
    points: tuple[CurvePoint, ...]
    last_doubling: Difference | None = None

    @property
    def next_doubling(self) -> tuple[float, float] | None:
        """What twice the labels are expected to bring, and may at most; None with fewer steps.

        Expected, as a share of 1, is the mean gain a doubling so far, ``(a3 - a1) / log2(n3 / n1)``
        over the last three points, and 0 at least; at most is twice that. It is an extrapolation,
        since nothing was trained with more labels than there are; docs/advise.md has how often it
        came true. Neither leads beyond 1.
        """
        if len(self.points) < 3:
            return None
        first, _, last = self.points[-3:]
        gained = last.accuracy.mean - first.accuracy.mean
        expected = max(gained / math.log2(last.labels / first.labels), 0.0)
        left = 1 - last.accuracy.mean
        return min(expected, left), min(2 * expected, left)


def probe_curve(context: Context, source: str) -> LabelCurve | None:
    """The curve of a probe on one source; None where a share of the labels has one class alone.

    Args:
        context: The task with the seed whose images are used.
        source: The source.
    """
    labels = context.labels[context.labelled]
    if not len(context.validation) or len(np.unique(labels)) < 2:
        return None
    hits: dict[int, NDArray[np.bool_]] = {}
    for share in SHARES:
        draws = range(1 if share == 1 else _DRAWS)
        chosen = [some_labels(context, share, draw) for draw in draws]
        if len(chosen[0]) in hits:
            continue
        hits[len(chosen[0])] = np.concatenate(
            [probe_hits(context, source, labelled) for labelled in chosen]
        )
    points = tuple(CurvePoint(n, accuracy_interval(own)) for n, own in hits.items())
    last = None
    if len(points) > 1:
        half, whole = list(hits.values())[-2:]
        last = paired_difference(np.repeat(whole, len(half), axis=0), half)
    return LabelCurve(f"linear probe on {source}", points, last)


def method_curve(method: str, accuracies: Mapping[int, Estimate]) -> LabelCurve:
    """The curve of a method from runs with fewer labels.

    Args:
        method: Its name.
        accuracies: On validation images, by the number of labels.
    """
    return LabelCurve(method, tuple(CurvePoint(n, accuracies[n]) for n in sorted(accuracies)))


def some_labels(context: Context, share: float, draw: int = 0) -> NDArray[np.int64]:
    """Positions of a share of the labelled images, the same of every class and one at least."""
    rng = np.random.default_rng(context.seed_for("label-curve", str(share), draw))
    labels = context.labels[context.labelled]
    chosen = [
        rng.permutation(own)[: math.ceil(share * len(own))]
        for number in np.unique(labels)
        if len(own := context.labelled[labels == number])
    ]
    return np.sort(np.concatenate(chosen))
