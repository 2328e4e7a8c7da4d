"""What sources know of a task: a linear probe on each, judged on images it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.engine.training.linear_probe import LinearProbe
from distbench.interfaces.context import Context
from distbench.leaderboard.statistics import (
    Difference,
    Estimate,
    accuracy_interval,
    paired_difference,
)

MOST_SOURCES = 40
"""Sources that are probed; of more, those that the metric puts first."""

MOST_LABELS = 1000
"""Labelled images that a probe is trained on; of more, as many of every class are drawn."""


@dataclass(frozen=True)
class ProbedSource:
    """A source, and what a linear classifier on its features gets right.

    Attributes:
        name: The source.
        accuracy: On validation images, trained on the labelled ones.
        adds: What the weighted vote of all probes loses on validation images without it; None
            where it has no weight, or all of it.
    """

    name: str
    accuracy: Estimate
    adds: Difference | None


@dataclass(frozen=True)
class Probes:
    """The probes of a task's sources.

    Attributes:
        sources: In the order that they were given.
        weighted: Accuracy of their vote on validation images, weighted as the method weighs them.
        equal: Accuracy of their vote, all alike.
    """

    sources: tuple[ProbedSource, ...]
    weighted: Estimate
    equal: Estimate


def probe_sources(
    context: Context, names: Sequence[str], weights: Mapping[str, float]
) -> Probes | None:
    """Trains and judges the probes; None where they cannot be: one class, or nothing to judge on.

    Args:
        context: The task with the seed whose images are used; no test image is in it.
        names: Sources that may be used.
        weights: Their weights under the method that learns from them.
    """
    labels = context.labels[context.labelled]
    truth = context.labels[context.validation]
    if not names or len(np.unique(labels)) < 2 or not len(truth):
        return None
    votes = np.stack([_votes(context, name) for name in names])  # (s, v, C)
    share = np.array([weights.get(name, 0.0) for name in names])
    share = share / share.sum() if share.any() else np.full(len(names), 1 / len(names))
    whole = _hits(np.tensordot(share, votes, 1), truth)
    probed = tuple(
        ProbedSource(name, accuracy_interval(_hits(own, truth)), adds)
        for name, own, adds in zip(
            names, votes, _each_adds(votes, share, truth, whole), strict=True
        )
    )
    equal = _hits(votes.mean(axis=0), truth)
    return Probes(probed, accuracy_interval(whole), accuracy_interval(equal))


def probe_hits(context: Context, source: str, labelled: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which validation images (1, v) a probe gets right that knows these labelled images."""
    logits = _probed(context, source, labelled)
    return _hits(logits, context.labels[context.validation])


def _votes(context: Context, source: str) -> NDArray[np.float64]:
    """Class probabilities (v, C) on validation images."""
    from scipy.special import softmax

    logits = _probed(context, source, context.labelled)
    return np.asarray(softmax(logits.astype(np.float64), axis=1))


def _probed(context: Context, source: str, labelled: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits (v, C) on validation images of a probe that knows these labelled images."""
    features = context.embedding(source).features
    probe = LinearProbe(features[labelled], context.labels[labelled], context.num_classes)
    return probe.logits(features[context.validation])


def _each_adds(
    votes: NDArray[np.float64],
    share: NDArray[np.float64],
    truth: NDArray[np.int64],
    whole: NDArray[np.bool_],
) -> list[Difference | None]:
    """For each source what the vote is better with it than with the others alone."""
    added: list[Difference | None] = []
    for number, own in enumerate(share):
        rest = share.copy()
        rest[number] = 0
        if not own or not rest.any():
            added.append(None)
            continue
        without = _hits(np.tensordot(rest, votes, 1), truth)
        added.append(paired_difference(whole, without))
    return added


def _hits(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(1, v): whether the highest of (v, C) is the class of the image."""
    return np.asarray(scores.argmax(axis=1) == truth)[None]
