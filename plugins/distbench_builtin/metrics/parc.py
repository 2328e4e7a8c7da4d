"""PARC: do the features of two images correlate more when the images are of one class?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from distbench import Declined, Metric, Probe
from distbench_builtin.shared.numerics import pairs as _pairs
from distbench_builtin.shared.numerics.features import Array
from distbench_builtin.shared.numerics.pairs import Counts, Floats
from distbench_builtin.shared.numerics.rank_correlation import of_pairs


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
    that agree to 2^-18 are ties, which moves the score by about 1e-5, and by up to 0.03 where
    classes have almost collapsed to points.

    An image whose features are all equal once z-scored has no Pearson correlation; its pairs are
    left out. `dims` reduces the features by an exact PCA first, with signs such that each
    component's largest loading is positive, and without components that do not vary. Signs
    matter, because a correlation across components depends on them: scores of the authors'
    randomised PCA (32 dimensions) differ between library versions and cannot be reproduced; these
    can, but are not those.

    Where an image may show several classes, its label vector has a 1 for each of them, and the
    correlations of these vectors, which take more than two values then, are ranked with midranks
    too. An image that shows no class, or all, has no such correlation and is left out.

    Range: -100..100. Unchanged by shifting single dimensions and by scaling them with positive
    factors, not by rotating. Needs features. Cost: O(n^2 d) time; memory for a float32 copy of the
    features and one tile of correlations, however many images.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("parc", x, [0, 0, 0, 1, 1, 1]), 3)
        9.449
    """

    version: ClassVar[int] = 2
    kinds: ClassVar = frozenset({"single", "several"})

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
        if labels.several:
            return 100 * self._several(probe)
        if labels.num_classes == len(labels):
            raise Declined("no two images share a class, so there is nothing to compare")
        if len(labels) * (len(labels) - 1) // 2 <= _pairs.EXACT:
            if self.dims is None:
                rows = probe.shared(_pairs.correlation_rows)
            else:
                rows = _pairs.unit_rows(_principal(probe.features, self.dims))
            return 100 * _spearman(*_sorted(*_defined(rows, labels.ids)))
        x = probe.features if self.dims is None else _principal(probe.features, self.dims)
        rows = _pairs.unit_rows(x, order=labels.order, dtype=np.float32)
        return 100 * _spearman(*_counted(*_defined(rows, labels.ids[labels.order])))

    def _several(self, probe: Probe) -> float:
        """Spearman's coefficient with the correlations of label vectors (n, C)."""
        n = len(probe.labels)
        exact = n * (n - 1) // 2 <= _pairs.EXACT
        dtype = np.float64 if exact else np.float32
        features = probe.features if self.dims is None else _principal(probe.features, self.dims)
        x = _pairs.unit_rows(features, dtype=dtype)
        shown = probe.labels.onehot
        away = shown - shown.mean(axis=1, keepdims=True)  # (n, C)
        length = np.sqrt((away**2).sum(axis=1, keepdims=True))
        y = (away / np.where(length > 0, length, 1)).astype(dtype)
        defined = x.any(axis=1) & y.any(axis=1)
        if defined.sum() < 3:
            raise Declined(
                "fewer than three images have features that vary and show some classes but not all"
            )
        inner, left, right = of_pairs(x[defined], y[defined])
        if not left or not right:
            raise Declined("by features or by labels all pairs of images are equally alike")
        return inner / float(np.sqrt(left) * np.sqrt(right))


def _principal(features: Floats, dims: int) -> Array:
    """Scores (n, <= dims) on the first principal components, by the smaller Gram matrix."""
    x = features - features.mean(axis=0, dtype=np.float64)
    n, d = x.shape
    values, vectors = np.linalg.eigh(x @ x.T if n < d else x.T @ x)  # (m,), (m, m)
    kept = values > max(n, d) * np.finfo(np.float64).eps * values[-1]
    vectors = vectors[:, kept][:, : -dims - 1 : -1]
    loadings = x.T @ vectors if n < d else vectors  # (d, k)
    if not loadings.size:
        return np.zeros((n, 1))
    largest = np.abs(loadings).argmax(axis=0)
    signs = np.sign(np.take_along_axis(loadings, largest[None], axis=0))  # (1, k)
    scores: Array = (vectors if n < d else x @ vectors) * signs  # (n, k)
    return scores


def _defined(rows: Floats, ids: Counts) -> tuple[Floats, Counts]:
    """Rows that are not 0, and their classes."""
    defined = rows.any(axis=1)  # (n, d) -> (n,)
    if not defined.any():
        raise Declined("no image has features that vary from one dimension to the next")
    return (rows, ids) if defined.all() else (rows[defined], ids[defined])


def _sorted(rows: Floats, ids: Counts) -> tuple[Counts, Counts]:
    """How many pairs have each of the correlations that occur, in ascending order.

    Args:
        rows: (n, d), of unit length.
        ids: (n,), their classes.

    Returns:
        Pairs within classes and all pairs, both (g,).
    """
    alike = (ids[:, None] == ids)[_pairs.above_diagonal(len(ids))]  # (n, n) -> (pairs,)
    steps = _pairs.upper(rows)
    steps *= _pairs.FINE
    np.rint(steps, out=steps)
    within = np.sort(steps[alike])
    values, every = np.unique(steps, return_counts=True)
    return np.bincount(np.searchsorted(values, within), minlength=len(values)), every


def _counted(rows: Floats, ids: Counts) -> tuple[Counts, Counts]:
    """The same for float32 rows in the order of their classes, on coarser steps."""
    size = 2 * _pairs.STEPS + 2
    within, every = np.zeros((2, size), dtype=np.int64)
    for own, other in _pairs.tiles(len(rows)):
        steps = _pairs.tile(rows, own, other)
        if own == other:
            once = _pairs.above_diagonal(len(steps))
            alike = steps[once & (ids[own, None] == ids[own])]
            steps = steps[once]
        else:  # Only the last class of a tile can go on in one after it.
            last = ids[own.stop - 1]
            begin = np.searchsorted(ids[own], last)
            first, end = np.searchsorted(ids[other], [last, last + 1])
            alike = steps[begin:, first:end].ravel()
        every += np.bincount(steps.ravel(), minlength=size)
        if len(alike):
            within += np.bincount(alike, minlength=size)
    occur = every > 0
    return within[occur], every[occur]


def _spearman(within: Counts, ties: Counts) -> float:
    """Spearman's coefficient of a variable and a two-valued one.

    Args:
        within: (g,), how often each value of the first, ascending, goes with the second's higher.
        ties: (g,), how often it occurs.
    """
    m, pairs = int(within.sum()), int(ties.sum())
    if m in (0, pairs):
        raise Declined("images with a correlation share no class, or are all of one")
    twice_ranks = 2 * np.cumsum(ties) - ties - pairs  # about their mean
    above = float(within @ twice_ranks.astype(np.float64))
    size = ties[ties > 1].astype(np.float64)
    spread = float(pairs) ** 3 - pairs - float((size**3 - size).sum())
    if spread <= 0:
        raise Declined("all images correlate alike, features tell nothing apart")
    return above / 2 / float(np.sqrt(m * (pairs - m) / pairs * spread / 12))
