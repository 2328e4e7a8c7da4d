"""Linear discriminant analysis with the adaptive shrinkage that SFDA brought in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from distbench import Declined, Labels, Probe
from distbench_builtin.shared.numerics.features import Array, centred
from distbench_builtin.shared.numerics.pca import principal

_LEAST = 1e-10
"""The least shrinkage."""


class Discriminant(NamedTuple):
    """The linear discriminant of a source's features, shrunk as they ask for.

    Attributes:
        rows: (n, r), centred features, sorted by class; in principal coordinates where n < d.
            Turning changes no inner product, so nothing that is computed of them.
        dims: d, the number of dimensions before turning.
        means: (C, r), of the classes.
        shrinkage: In 1e-10..1.
        posterior: (n, C), probabilities of the classes for each row.
    """

    rows: Array
    dims: int
    means: Array
    shrinkage: float
    posterior: Array


def discriminant(probe: Probe) -> Discriminant:
    """The discriminant; for use with `Probe.shared`.

    Raises:
        Declined: There is no spread within classes.
    """
    x, labels = probe.shared(centred), probe.labels
    n, d = x.shape
    rows = (principal(probe).scores if n < d else x)[labels.order]  # (n, r)
    means, deviations = class_deviations(labels, rows)
    within = deviations.T @ deviations / n  # (r, n) @ (n, r) -> (r, r)
    if np.trace(within) <= 1e-20 * np.vdot(rows, rows) / n:
        raise Declined("features of a class are all equal, so there is no spread to compare with")
    sums = x.sum(axis=1, keepdims=True)[labels.order]  # (n, 1)
    start = deviations.T @ class_deviations(labels, sums)[1] / n  # (r, n) @ (n, 1) -> (r, 1)
    shrinkage = _shrinkage(within, start[:, 0], d)
    posterior = posteriors(labels, rows, means, within, shrinkage, d)
    return Discriminant(rows, d, means, shrinkage, posterior)


def class_deviations(labels: Labels, rows: Array) -> tuple[Array, Array]:
    """Means of the classes (C, r), and rows less the mean of their class.

    Args:
        labels: Of the images.
        rows: (n, r), sorted by class.
    """
    means, deviations = np.empty((labels.num_classes, rows.shape[1])), np.empty_like(rows)
    for c, span in enumerate(class_slices(labels)):
        means[c] = rows[span].mean(axis=0)  # (n_c, r) -> (r,)
        np.subtract(rows[span], means[c], out=deviations[span])
    return means, deviations


def class_slices(labels: Labels) -> list[slice]:
    """Where each class lies among images that are sorted by class."""
    return [
        slice(start, start + count)
        for start, count in zip(labels.starts.tolist(), labels.counts.tolist(), strict=True)
    ]


def own(labels: Labels, posterior: Array) -> Array:
    """Probabilities of the own class (n,), of (n, C) for images sorted by class."""
    classes = np.arange(labels.num_classes)
    probabilities: Array = posterior[np.arange(len(labels)), np.repeat(classes, labels.counts)]
    return probabilities


def _shrinkage(within: Array, start: Array, dims: int) -> float:
    """exp(-5 lambda), with lambda after six steps towards the largest eigenvalue.

    Args:
        within: (r, r), covariance within classes.
        start: (r,), the sum of its columns in the dimensions as given, turned as `within` is.
        dims: Number of these.
    """
    total = float(np.trace(within))
    scaled, vector = within / total, start / total
    length = np.linalg.norm(vector)
    if length <= 1e-12 * np.sqrt(dims):
        largest = float(np.linalg.eigvalsh(scaled)[-1])
    else:
        vector, before = vector / length, vector
        for _ in range(6):
            before = vector
            vector = scaled @ vector  # (r, r) @ (r,) -> (r,)
            vector /= np.linalg.norm(vector)
        largest = float(vector @ scaled @ before)
    return float(max(np.exp(-5 * largest * total), _LEAST))


def posteriors(
    labels: Labels, rows: Array, means: Array, within: Array, shrinkage: float, dims: int
) -> Array:
    """Probabilities of the classes (n, C), as Gaussians with one covariance.

    The authors find them from all eigenvectors v of ``S_b v = e S_w v``, where v'S_w v = 1; the
    sum of the vv' is the inverse of S_w, whatever S_b is.

    Args:
        labels: Of the images.
        rows: (n, r).
        means: (C, r), of the classes.
        within: (r, r), covariance within classes.
        shrinkage: Share of the mean variance in the covariance.
        dims: Number of dimensions over which the variance is averaged; at least r.
    """
    least = shrinkage * np.trace(within) / dims
    covariance = (1 - shrinkage) * within
    covariance[np.diag_indices_from(covariance)] += least
    weights = _solve(covariance, means.T, least)  # (r, C)
    prior = np.log(labels.counts / len(rows))
    # (n, r) @ (r, C) -> (n, C)
    logits = rows @ weights - np.einsum("cr,rc->c", means, weights) / 2 + prior
    probabilities: Array = softmax(logits, axis=1)
    return probabilities


def _solve(covariance: Array, right: Array, least: float) -> Array:
    """The inverse of a covariance of which no eigenvalue is below `least`, times `right`."""
    try:
        solution: Array = cho_solve(cho_factor(covariance, lower=True), right)
    except np.linalg.LinAlgError:  # round-off is above `least`
        values, vectors = np.linalg.eigh(covariance)
        solution = vectors @ (vectors.T @ right / np.maximum(values, least)[:, None])  # (r, C)
    return solution
