"""Leave-one-out accuracy of a linear probe, without fitting it n times."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.linalg import eigh

from distbench import Metric, Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.features import Array, product
from distbench_builtin.shared.numerics.spectrum import resolution

_GRID = tuple(10.0**power for power in range(-6, 4))
_BLOCK = 2**22
"""Numbers that are held of the left singular vectors or outputs at a time."""
_TIE = 1e-9


class RidgeLOO(Metric):
    """Leave-one-out accuracy of a linear probe fitted by ridge regression, in percent.

    Ridge regression of the one-hot labels on the features, with an intercept that is not
    penalised; an image is assigned to the class of the largest output of the model fitted without
    it. With e_i the residuals and h_i the leverage of the model fitted to all images, its outputs
    are exactly (Allen, "The relationship between variable selection and data augmentation and a
    method for prediction", Technometrics 1974)::

        y_i - e_i / (1 - h_i),   H = 11'/n + X (X'X + r I)^-1 X'   with X centred

    so one eigendecomposition serves all n models. The strength r is `ridge` times the mean of the
    positive eigenvalues of X'X. By default it is whichever of 1e-6, 1e-5 .. 1000 has the least sum
    of squared leave-one-out errors, one strength for all classes; choice and grid are ours. A class
    that ties with others for the largest output (within 1e-9) has its share of the image.

    Range: 0..100. Chance is below 100/C: features that tell nothing assign each image by the
    frequencies among the others, in which its own class is one short; with classes of equal size
    they score 0. Unchanged by shifting, rotating and scaling the features.

    Needs features. Cost: O(n D min(n, D)) and O(n C min(n, D)) for each strength.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("ridge_loo", x, [0, 0, 0, 1, 1, 1]), 3)
        66.667
    """

    ridge: float | None = Field(
        None,
        ge=1e-12,
        le=1e12,
        description="strength, in mean positive eigenvalues of X'X; none: by leave-one-out error",
    )

    def score(self, probe: Probe) -> float:
        """Percent of the images that the models fitted without them classify rightly."""
        n = len(probe.labels)
        values, basis = _eigen(probe)  # (k,), (n or d, k)
        mean = values.mean() if len(values) else 1.0
        strengths = mean * np.array(_GRID if self.ridge is None else (self.ridge,))
        missed = strengths[:, None] / (values + strengths[:, None])  # share that is not fitted
        targets = _targets(probe, basis)  # (k, C)
        exact = len(values) == n - 1  # then the features can express all labels
        height = max(1, _BLOCK // max(len(values), probe.labels.num_classes))
        errors, right = np.zeros((2, len(strengths)))
        for start in range(0, n, height):
            rows = slice(start, start + height)
            u, truth = _left_vectors(probe, basis, rows), probe.labels.onehot[rows]
            squares = u**2  # (b, k)
            # Both e and 1 - h as sums of what is missed, and not as differences near 0.
            rest, spare = np.zeros_like(truth), np.zeros(len(truth))
            if not exact:
                rest = truth - probe.labels.counts / n - product(u, targets)
                spare = np.maximum(1 - 1 / n - squares.sum(axis=1), 0)
            for i, share in enumerate(missed):
                free = spare + (squares * share).sum(axis=1)  # (b, k) -> (b,)
                error = (rest + product(u, share[:, None] * targets)) / free[:, None]  # (b, C)
                errors[i] += (error**2).sum()
                right[i] += _rightly(truth - error, truth)
        return float(100 * right[errors.argmin()] / n)


def _eigen(probe: Probe) -> tuple[Array, Array]:
    """Singular vectors of the centred features, those on the smaller side.

    Returns:
        Positive eigenvalues of X'X, (k,), and the left singular vectors (n, k) where n < d, else
        the right ones divided by the singular values, (d, k), which X turns into the left ones.
    """
    n, dims = probe.features.shape
    gram = probe.shared(_features.centred_gram)
    values, vectors = eigh(gram.T, driver="evd", check_finite=False)
    positive = int((values > resolution(n, dims) * values[-1]).sum()) if values[-1] > 0 else 0
    rank = min(positive, n - 1, dims)
    values, vectors = values[len(values) - rank :], vectors[:, len(values) - rank :]
    return values, vectors if n < dims else vectors / np.sqrt(values)


def _left_vectors(probe: Probe, basis: Array, rows: slice) -> Array:
    """Some rows of the left singular vectors."""
    n, dims = probe.features.shape
    if n < dims:
        return np.ascontiguousarray(basis[rows])
    return product(probe.shared(_features.centred)[rows], basis)


def _targets(probe: Probe, basis: Array) -> Array:
    """Projections of the one-hot labels on the left singular vectors, (k, C)."""
    n, dims = probe.features.shape
    known = probe.labels.onehot if n < dims else probe.shared(_features.centred_class_sums).T
    return product(basis.T, known)


def _rightly(outputs: Array, truth: Array) -> float:
    """How many images have the largest output in their own class, ties by shares."""
    tied = outputs >= outputs.max(axis=1, keepdims=True) - _TIE  # (b, C)
    return float(((tied * truth).sum(axis=1) / tied.sum(axis=1)).sum())
