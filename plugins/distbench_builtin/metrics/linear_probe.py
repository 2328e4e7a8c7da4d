"""Linear probe: how many images a linear classifier gets right that it was not trained on."""

from __future__ import annotations

from typing import ClassVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit

from distbench import Declined, Metric, Probe
from distbench_builtin.shared.numerics.features import Array, doubles
from distbench_builtin.shared.numerics.pca import principal

_TIE = 1e-6
"""Logits that differ by less are taken for equal."""
_SLOPE = 1e-5
"""The largest slope of the loss at which the optimiser stops."""
_MOST_STEPS = 1000


class LinearProbe(Metric):
    """Linear probe: cross-validated accuracy of multinomial logistic regression, in percent.

    The usual way to rate features by what a linear classifier can read from them; as a measure of
    transfer for example in Kornblith et al., "Do Better ImageNet Models Transfer Better?", CVPR
    2019. Features are centred and divided by one number, the root of the mean squared length, and
    w and b found for each fold by::

        minimise  - mean of ln p(own|x) + penalty/2 |w|^2,   p = softmax(w x + b)

    over the images of the other folds. It is fitted to all principal components, which is the
    same problem turned, and smaller where n < d. The score is the share of images whose own class
    is the likeliest when their fold was left out; where k classes are equally likely it counts
    1/k. Features that the classes cannot be told by score about the share of the largest class.

    Within each class images are dealt to the folds one by one, in the order of their distance
    from the mean of all images, so nothing depends on the order that they are given in. A class
    with fewer images than folds has one each in the first of them. A class of one image is always
    trained on, and its image does not count.

    Where an image may show several classes, each class has a binary logistic regression of its own,
    with the same penalty, and the score is the mean over the classes of the average precision on
    the left-out images, in percent (mAP; chance is the mean share of the classes). Images are dealt
    out by the classes that they show together, each such set like a class above.

    Range: 0..100. Unchanged by shifting, scaling and rotating the features, and by dimensions
    that are constant.

    Needs features. Cost: O(n D min(n, D)) once, O(n min(n, D) C) a step of the optimiser, some
    tens of steps a fold.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("linear_probe", x, [0, 0, 0, 1, 1, 1]), 3)
        66.667
    """

    kinds: ClassVar = frozenset({"single", "several"})

    folds: int = Field(5, ge=2, description="parts of the images, each left out once")
    penalty: float = Field(
        1e-4,
        gt=0,
        description="strength of the squared penalty on the weights; the default is ours",
    )

    def score(self, probe: Probe) -> float:
        """Percentage of left-out images that are put in their class.

        Raises:
            Declined: All features are equal, or no two images share a class.
        """
        labels = probe.labels
        if labels.several:
            return 100 * self._several(probe)
        if labels.num_classes == len(labels):
            raise Declined("no two images share a class, so none can be left out")
        scores, squares = principal(probe)
        if not len(squares):
            raise Declined("all images have the same features")
        rows = scores * np.sqrt(len(labels) / squares.sum())  # (n, r)
        fold = _deal(probe, rows, self.folds)
        right, both = 0.0, np.zeros((rows.shape[1] + 1, labels.num_classes))
        for left_out in range(int(fold.max()) + 1):
            test = fold == left_out
            train = ~test
            both = _fit(rows[train], labels.ids[train], self.penalty, both)
            logits = rows[test] @ both[:-1] + both[-1]  # (t, r) @ (r, C) + (C,) -> (t, C)
            likeliest = logits >= logits.max(axis=1, keepdims=True) - _TIE
            own = likeliest[np.arange(len(logits)), labels.ids[test]]  # (t, C) -> (t,)
            right += float((own / likeliest.sum(axis=1)).sum())
        return 100 * right / int((fold >= 0).sum())

    def _several(self, probe: Probe) -> float:
        """Mean average precision of one classifier a class on the images that were left out."""
        from sklearn.metrics import average_precision_score

        shown = probe.labels.array  # (n, C)
        scores, squares = principal(probe)
        if not len(squares):
            raise Declined("all images have the same features")
        if len(shown) < self.folds:
            raise Declined(f"{self.folds} folds need as many images, got {len(shown)}")
        rows = scores * np.sqrt(len(shown) / squares.sum())  # (n, r)
        _, together = np.unique(shown, axis=0, return_inverse=True)
        order = np.lexsort((*_nearness(probe, rows), together.ravel()))
        fold = np.empty(len(rows), dtype=np.int64)
        fold[order] = np.arange(len(rows)) % self.folds
        logits = np.empty(shown.shape)
        for left_out in range(self.folds):
            test = fold == left_out
            both = _fit_each(rows[~test], shown[~test], self.penalty)
            logits[test] = rows[test] @ both[:-1] + both[-1]  # (t, r) @ (r, C) + (C,) -> (t, C)
        logits = np.round(logits / _TIE) * _TIE
        pairs = zip(shown.T, logits.T, strict=True)
        return float(np.mean([average_precision_score(own, by) for own, by in pairs]))


def _deal(probe: Probe, rows: Array, folds: int) -> NDArray[np.int64]:
    """The fold of each image (n,); -1 for one that is never left out."""
    labels = probe.labels
    order = np.lexsort((*_nearness(probe, rows), labels.ids))
    fold = np.empty(len(rows), dtype=np.int64)
    fold[order] = (np.arange(len(rows)) - np.repeat(labels.starts, labels.counts)) % folds
    fold[labels.counts[labels.ids] == 1] = -1
    return fold


def _nearness(probe: Probe, rows: Array) -> tuple[Array, Array]:
    """By what images are ordered, the last first: distance from the mean, and what is theirs."""
    lengths = np.einsum("nr,nr->n", rows, rows)
    # Round-off must not order what is equal; that is ordered by the features as they were given.
    lengths = np.round(lengths / lengths.max() * 1e9)
    exact = np.array([crc32(row) for row in probe.shared(doubles) + 0.0])  # makes -0 be 0
    return exact, lengths


def _fit_each(rows: Array, shown: NDArray[np.int64], penalty: float) -> Array:
    """Weights, and below them the bias, (r + 1, C) of a binary logistic regression a class.

    Args:
        rows: (n, r), principal scores.
        shown: (n, C), 1 where an image shows a class, 0 where not.
        penalty: On the squared weights.
    """
    n, r = rows.shape
    classes = shown.shape[1]
    scale = np.ones((r + 1, 1))
    scale[:r, 0] = 1 / np.sqrt(np.einsum("nr,nr->r", rows, rows) / n / 4 + penalty)

    def loss(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(r + 1, classes) * scale
        weights = both[:r]
        logits = rows @ weights + both[r]  # (n, r) @ (r, C) + (C,) -> (n, C)
        value = (np.logaddexp(0, logits) - shown * logits).sum() / n
        residual = (expit(logits) - shown) / n
        slope = np.empty_like(both)
        slope[:r] = rows.T @ residual + penalty * weights  # (r, n) @ (n, C) -> (r, C)
        slope[r] = residual.sum(axis=0)  # (n, C) -> (C,)
        return float(value + penalty / 2 * np.vdot(weights, weights)), (slope * scale).ravel()

    options = {"maxiter": _MOST_STEPS, "gtol": _SLOPE, "ftol": 0.0, "maxcor": 20}
    start = np.zeros((r + 1) * classes)
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    solution: Array = optimum.reshape(r + 1, classes) * scale
    return solution


def _fit(rows: Array, ids: NDArray[np.int64], penalty: float, start: Array) -> Array:
    """Weights, and below them the bias, (r + 1, C) of a logistic regression.

    The optimiser sees each weight times the root of about the curvature of the loss in it. Along
    principal components that evens the curvature out, and few steps are needed.

    Args:
        rows: (n, r), principal scores.
        ids: (n,), classes.
        penalty: On the squared weights.
        start: (r + 1, C), where to begin: the other folds' solution is near.
    """
    n, r = rows.shape
    classes = start.shape[1]
    target = np.eye(classes)[ids] / n  # (n,) -> (n, C)
    scale = np.ones((r + 1, 1))
    scale[:r, 0] = 1 / np.sqrt(np.einsum("nr,nr->r", rows, rows) / n / classes + penalty)

    def loss(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(r + 1, classes) * scale
        weights = both[:r]
        logits = rows @ weights + both[r]  # (n, r) @ (r, C) + (C,) -> (n, C)
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        total = chances.sum(axis=1, keepdims=True)  # (n, C) -> (n, 1)
        value = np.log(total).mean() - np.vdot(target, logits)
        residual = chances / (n * total) - target
        slope = np.empty_like(both)
        slope[:r] = rows.T @ residual + penalty * weights  # (r, n) @ (n, C) -> (r, C)
        slope[r] = residual.sum(axis=0)  # (n, C) -> (C,)
        return float(value + penalty / 2 * np.vdot(weights, weights)), (slope * scale).ravel()

    options = {"maxiter": _MOST_STEPS, "gtol": _SLOPE, "ftol": 0.0, "maxcor": 20}
    first = (start / scale).ravel()
    optimum = minimize(loss, first, jac=True, method="L-BFGS-B", options=options).x
    solution: Array = optimum.reshape(r + 1, classes) * scale
    return solution
