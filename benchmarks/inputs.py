"""What the metrics are timed on, drawn in memory, and how they are called."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distbench import Metric, Probe
from distbench.plugins.registry import registry

Array = NDArray[np.float64]

SOURCE_CLASSES = 1000
_LATENT = 64
_ROWS = 1000
"""Drawn at a time, so that drawing needs no more memory than what it leaves."""


class Shape(NamedTuple):
    """Images, feature dimensions, classes."""

    n: int
    d: int
    classes: int

    def __str__(self) -> str:
        return f"{self.n}x{self.d} C={self.classes}"


SHAPES = (Shape(500, 2048, 10), Shape(10000, 512, 10), Shape(5000, 2048, 100))
LARGE = Shape(20000, 2048, 200)


class Inputs(NamedTuple):
    """One probe as plain arrays.

    Attributes:
        shape: What was asked for.
        labels: int64 (n,), every class occurs, some more often than others.
        features: float64 (n, d), ReLU of a projection of 64 latent dimensions that know the class.
        probabilities: float64 (n, 1000), of source classes that know of the latent dimensions.
        reference: float64 (n, 64), features of another network.
    """

    shape: Shape
    labels: NDArray[np.int64]
    features: Array
    probabilities: Array
    reference: Array


@lru_cache(maxsize=1)
def draw(shape: Shape, seed: int = 0) -> Inputs:
    """The same arrays at every call; only the last ones asked for are kept."""
    n, d, classes = shape
    rng = np.random.default_rng(seed)
    labels = rng.permutation(
        np.concatenate([np.arange(classes), rng.integers(classes, size=n)])[:n]
    )
    centres = 0.5 * rng.normal(size=(classes, _LATENT))
    to_features = rng.normal(size=(_LATENT, d)) / np.sqrt(_LATENT)
    to_source = rng.normal(size=(_LATENT, SOURCE_CLASSES)) / np.sqrt(_LATENT)
    to_reference = rng.normal(size=(_LATENT, 64)) / np.sqrt(_LATENT)
    features = np.empty((n, d))
    probabilities = np.empty((n, SOURCE_CLASSES))
    reference = np.empty((n, 64))
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        latent = centres[labels[rows]] + rng.normal(size=(len(labels[rows]), _LATENT))
        features[rows] = np.maximum(latent @ to_features, 0)
        reference[rows] = np.maximum(latent @ to_reference, 0)
        odds = np.exp(2 * latent @ to_source)
        probabilities[rows] = odds / odds.sum(axis=1, keepdims=True)
    for array in (labels, features, probabilities, reference):
        array.flags.writeable = False
    return Inputs(shape, labels.astype(np.int64), features, probabilities, reference)


def score(specification: str, inputs: Inputs) -> float:
    """What a metric says of a probe that no other metric has seen.

    Of three sources, summed, where it compares a whole zoo.
    """
    metric = registry().make("metric", specification)
    assert isinstance(metric, Metric)
    if "zoo" in metric.needed():
        found = metric.score_all([probe(metric, each) for each in zoo(inputs)])
        return sum(float(one) for one in found if not isinstance(one, Exception))
    return float(metric.score(probe(metric, inputs)))


def zoo(inputs: Inputs) -> list[Inputs]:
    """Three sources of which one was given: all of its dimensions, the first and the last half."""
    half = inputs.features.shape[1] // 2
    parts = (slice(None), slice(half), slice(half, None))
    return [inputs._replace(features=inputs.features[:, part]) for part in parts]


def probe(metric: Metric, inputs: Inputs) -> Probe:
    """A fresh one, of no more than the metric reads."""
    needs = metric.needed()
    return Probe(
        inputs.labels,
        features=inputs.features if "features" in needs else None,
        probabilities=inputs.probabilities if "logits" in needs else None,
        reference=inputs.reference if "reference" in needs else None,
    )
