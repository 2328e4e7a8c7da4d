"""Joint distribution of target classes and what a source says of the images: LEEP's ingredients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Labels, Probe
from distbench_builtin.shared.numerics.features import Array


def members(labels: Labels) -> list[NDArray[np.int64]]:
    """Positions of the images of each class: for use with `Labels.shared`."""
    return np.split(labels.order, labels.starts[1:])


def joint(probe: Probe) -> Array:
    """`soft_joint` of the source's probabilities: for use with `Probe.shared`."""
    return soft_joint(probe.labels, probe.probabilities)


def soft_joint(labels: Labels, probabilities: Array) -> Array:
    """Sums of the probabilities over the images of each class: (n, z) to (C, z)."""
    sums = np.empty((labels.num_classes, probabilities.shape[1]))
    for row, images in zip(sums, labels.shared(members), strict=True):
        probabilities[images].sum(axis=0, out=row)  # (n_c, z) -> (z,)
    return sums


def conditional(sums: Array) -> Array:
    """``p(y|z)`` of a joint distribution (C, z); 0 for a z that never occurs.

    Args:
        sums: (C, z), of any positive scale.
    """
    total = sums.sum(axis=0)  # (C, z) -> (z,)
    given: Array = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return given


def leep(labels: Labels, probabilities: Array, sums: Array) -> float:
    """LEEP of given probabilities.

    Args:
        labels: Of n images.
        probabilities: (n, z), rows sum to 1.
        sums: (C, z), their `soft_joint`.
    """
    given = conditional(sums)
    total = 0.0
    for row, images in zip(given, labels.shared(members), strict=True):
        # Never log 0: an image adds to its own class, so this is at least max(p)^2 / n.
        total += float(np.log(probabilities[images] @ row).sum())  # (n_c, z) @ (z,) -> (n_c,)
    return total / len(labels)
