"""What linear probes of a source say of each labelled image when they have not seen it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from distbench_builtin.shared.numerics.features import Array

_GRID = 10.0 ** np.arange(-6, 4)


def left_out_outputs(features: Array, onehot: Array) -> Array:
    """Leave-one-out outputs of ridge regression on one-hot labels, (n, C).

    With an intercept and the strength of 1e-6 .. 1e3, in mean positive eigenvalues of X'X, that has
    the least sum of squared leave-one-out errors, as in `distbench_builtin.metrics.ridge_loo`:
    ``y - (y - H y) / (1 - h)`` (Allen, Technometrics 1974), by the n x n matrix of inner products.

    Args:
        features: (n, d), n a few hundred at most.
        onehot: (n, C).
    """
    n = len(features)
    centred = np.asarray(features, np.float64) - features.mean(axis=0, dtype=np.float64)
    values, vectors = eigh(centred @ centred.T)
    kept = values > max(values[-1], 0) * n * np.finfo(float).eps * 8
    values, vectors = values[kept][-(n - 1) :], vectors[:, kept][:, -(n - 1) :]
    residual = onehot - onehot.mean(axis=0)
    if not len(values):
        alone: Array = onehot - residual / (1 - 1 / n)
        return alone
    fitted = vectors.T @ residual  # (k, C)
    rest = residual - vectors @ fitted  # what no strength can express
    spare = np.maximum(1 - 1 / n - (vectors**2).sum(axis=1), 0)  # (n,)
    best, least = onehot, np.inf
    for strength in values.mean() * _GRID:
        missed = strength / (values + strength)  # (k,)
        free = spare + (vectors**2) @ missed
        errors = (rest + vectors @ (missed[:, None] * fitted)) / free[:, None]
        if (total := float((errors**2).sum())) < least:
            best, least = onehot - errors, total
    return best
