"""PARC: do the features of two images correlate more when the images are of one class?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from distbench import Declined, Metric, Probe

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Float = TypeVar("Float", np.float32, np.float64)

_FINE, _COARSE = 2**40, 2**20
"""Steps between a correlation of 0 and of 1; correlations that fall on one step are ties."""
_BLOCK = 2**21
"""Correlations held at a time. Up to so many are sorted, on fine steps; more are counted, on
coarse ones, which are wider than the round-off of float32."""


class PARC(Metric):
    """Pairwise annotation representation comparison: rank correlation of features with labels.

    Bolya et al., "Scalable Diverse Model Selection for Accessible Transfer Learning", NeurIPS
    2021. Features are z-scored by dimension (ddof 0, a constant one becomes 0); over all pairs of
    images the distances 1 - Pearson correlation of the features and of the one-hot labels are
    compared by Spearman's rank correlation, times 100. The label distances take two values only,
    so with q the midranks of M feature correlations, m of them within a class, and t the sizes of
    groups of ties, Spearman's coefficient is exactly::

        (sum of q within classes - m (M + 1) / 2)
        / sqrt( m (M - m) / M * (M^3 - M - sum of (t^3 - t)) / 12 )

    Round-off ranks nothing: correlations that agree to 2^-40 are ties, as those of duplicate
    images should be, and label distances are compared as classes, where the authors' code lets
    the round-off of one-hot correlations break ties by class number (off by several points for
    most numbers of classes). Beyond 2,048 images, correlations are computed in float32 and those
    that agree to 2^-20 are ties, which moves the score by about 1e-5.

    An image whose features are all equal once z-scored has no Pearson correlation; its pairs are
    left out. `dims` reduces the features by an exact PCA first, with signs such that each
    component's largest loading is positive, and without components that do not vary. Signs
    matter, because a correlation across components depends on them: scores of the authors'
    randomised PCA (32 dimensions) differ between library versions and cannot be reproduced; these
    can, but are not those.

    Range: -100..100. Unchanged by shifting single dimensions and by scaling them with positive
    factors, not by rotating. Needs features. Cost: O(n^2 d) time; memory for the features and one
    block of correlations, however many images.
    """

    dims: int | None = Field(
        None, ge=2, description="principal components to keep; none: no PCA, all dimensions"
    )

    def score(self, probe: Probe) -> float:
        """Spearman's coefficient of feature and label correlations, times 100.

        Raises:
            Declined: No two images share a class, or no correlation, or only equal ones, can be had
                from the features.
        """
        labels = probe.labels
        if labels.num_classes == len(labels):
            raise Declined("no two images share a class, so there is nothing to compare")
        x = probe.features.astype(np.float64)
        rows = _standardised(x if self.dims is None else _principal(x, self.dims))
        defined = rows.any(axis=1)
        if not defined.any():
            raise Declined("no image has features that vary from one dimension to the next")
        return 100 * _spearman(*_counts(rows[defined], labels.ids[defined]))


def _principal(x: Array, dims: int) -> Array:
    """Scores (n, <= dims) on the first principal components, by the smaller Gram matrix."""
    x = x - x.mean(axis=0)
    n, d = x.shape
    values, vectors = np.linalg.eigh(x @ x.T if n < d else x.T @ x)
    kept = values > max(n, d) * np.finfo(np.float64).eps * values[-1]
    vectors = vectors[:, kept][:, : -dims - 1 : -1]
    loadings = x.T @ vectors if n < d else vectors
    largest = np.abs(loadings).argmax(axis=0)
    signs = np.sign(np.take_along_axis(loadings, largest[None], axis=0))
    scores: Array = (vectors if n < d else x @ vectors) * signs
    return scores


def _standardised(x: Array) -> Array:
    """Rows whose products are the Pearson correlations of images; 0 where there is none.

    Args:
        x: (n, d), z-scored by column here.
    """
    mean = x.mean(axis=0)
    x = x - mean
    spread = np.sqrt(np.einsum("nd,nd->d", x, x) / len(x))
    # The mean of equal numbers is off by round-off, so a constant column has a tiny spread.
    constant = spread <= len(x) * np.finfo(np.float64).eps * np.abs(mean)
    x *= np.where(constant, 0, 1 / np.where(constant, 1, spread))
    before = np.sqrt(np.einsum("nd,nd->n", x, x))
    x -= x.sum(axis=1, keepdims=True) / max(1, x.shape[1])
    norm = np.sqrt(np.einsum("nd,nd->n", x, x))
    # Entries are of size 1, but where an image is average they are round-off around 0.
    flat = norm <= 1e-8 * np.maximum(before, np.sqrt(x.shape[1]))
    x *= np.where(flat, 0, 1 / np.where(flat, 1, norm))[:, None]
    return x


def _pairs(
    rows: NDArray[Float], ids: Counts, height: int
) -> Iterator[tuple[NDArray[Float], NDArray[np.bool_]]]:
    """Correlations of all pairs of images, each once, and which are of one class.

    Args:
        rows: (n, d), of unit length.
        ids: (n,), their classes.
        height: How many images to compare with all others at a time.
    """
    for start in range(0, len(rows), height):
        own = rows[start : start + height]
        size = len(own)
        correlations = own @ rows[start:].T
        alike = ids[start : start + height, None] == ids[start:]
        once = np.triu(np.ones((size, size), dtype=np.bool_), k=1)
        yield correlations[:, :size][once], alike[:, :size][once]
        if correlations.shape[1] > size:
            yield correlations[:, size:].ravel(), alike[:, size:].ravel()


def _counts(rows: Array, ids: Counts) -> tuple[Counts, Counts]:
    """How many pairs have each of the correlations that occur, in ascending order.

    Args:
        rows: (n, d), of unit length.
        ids: (n,), their classes.

    Returns:
        Pairs within classes and all pairs, both (g,).
    """
    n = len(rows)
    if n * (n - 1) // 2 <= _BLOCK:
        correlations, alike = next(_pairs(rows, ids, n))
        steps = np.rint(correlations * _FINE)
        values, every = np.unique(steps, return_counts=True)
        place = np.searchsorted(values, steps[alike])
        return np.bincount(place, minlength=len(values)), every
    within, every = np.zeros((2, 2 * _COARSE + 1), dtype=np.int64)
    for close, alike in _pairs(rows.astype(np.float32), ids, max(1, _BLOCK // n)):
        places = (close * _COARSE + (_COARSE + 0.5)).astype(np.int64)
        every += np.bincount(places, minlength=len(every))
        within += np.bincount(places[alike], minlength=len(within))
    return within, every


def _spearman(within: Counts, ties: Counts) -> float:
    """Spearman's coefficient of a variable and a two-valued one.

    Args:
        within: (g,), how often each value of the first, ascending, goes with the second's higher.
        ties: (g,), how often it occurs.
    """
    m, pairs = int(within.sum()), int(ties.sum())
    if m in (0, pairs):
        raise Declined("images with a correlation share no class, or are all of one")
    twice_ranks = 2 * np.cumsum(ties) - ties + 1
    above = int(within @ twice_ranks) - m * (pairs + 1)
    size = ties[ties > 1].astype(np.float64)
    spread = float(pairs) ** 3 - pairs - float((size**3 - size).sum())
    if spread <= 0:
        raise Declined("all images correlate alike, features tell nothing apart")
    return above / 2 / float(np.sqrt(m * (pairs - m) / pairs * spread / 12))
