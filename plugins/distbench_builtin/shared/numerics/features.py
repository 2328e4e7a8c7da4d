"""What many metrics compute first of a source's features: for use with `Probe.shared`.

Products here and in what builds on them are SciPy's, as its factorisations are: NumPy brings
threads of its own for the same work, and the two in turn wait for one another, which can take
longer than the work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from distbench import Probe

Array = NDArray[np.float64]

_TILE = 256
"""Rows that are mirrored at a time."""


def doubles(probe: Probe) -> Array:
    """The features in float64, (n, d), C-contiguous and read-only."""
    return _frozen(np.ascontiguousarray(probe.features, dtype=np.float64).view())


def centred(probe: Probe) -> Array:
    """The features less the mean of each column, (n, d); a constant column is 0 exactly."""
    x = probe.shared(doubles)
    away = x - x.mean(axis=0)  # (n, d) - (d,)
    # Round-off of the mean moves a constant column by less than this; the few are looked at.
    near = np.abs(away[0]) <= 4 * len(x) * np.finfo(np.float64).eps * np.abs(x[0])
    if near.any():
        columns = np.flatnonzero(near)
        away[:, columns[(x[:, columns] == x[0, columns]).all(axis=0)]] = 0
    return _frozen(away)


def gram(probe: Probe) -> Array:
    """The smaller Gram matrix of the features: X X' where n < d, else X' X."""
    return _frozen(_smaller(probe.shared(doubles)))


def centred_gram(probe: Probe) -> Array:
    """The smaller Gram matrix of the centred features: (n, n) where n < d, else (d, d)."""
    return _frozen(_smaller(probe.shared(centred)))


def class_sums(probe: Probe) -> Array:
    """Sums of the features over each class, (C, d)."""
    return _frozen(probe.labels.class_sums(probe.shared(doubles)))


def centred_class_sums(probe: Probe) -> Array:
    """Sums of the centred features over each class, (C, d)."""
    return _frozen(probe.labels.class_sums(probe.shared(centred)))


def gram_of(x: Array, *, rows: bool) -> Array:
    """X X' if ``rows``, else X'X, exactly symmetric; half the work of a general product.

    Args:
        x: (n, d), C-contiguous.
        rows: Whether products of rows are wanted, (n, n), or of columns, (d, d).
    """
    product: Array = blas.dsyrk(1.0, x.T, trans=int(rows), lower=1).T  # (n, n) or (d, d)
    for start in range(0, len(product), _TILE):  # the upper triangle is there
        stop = start + _TILE
        product[stop:, start:stop] = product[start:stop, stop:].T
        corner = product[start:stop, start:stop]
        product[start:stop, start:stop] = np.triu(corner) + np.triu(corner, 1).T
    return product


def product(left: Array, right: Array) -> Array:
    """The matrix product; copies neither C- nor F-contiguous matrices."""
    if not left.shape[1]:
        return np.zeros((len(left), right.shape[1]))
    a, turned_a = (left, 0) if left.flags.f_contiguous else (left.T, 1)
    b, turned_b = (right, 0) if right.flags.f_contiguous else (right.T, 1)
    # (n, k) @ (k, m) -> (n, m)
    result: Array = blas.dgemm(1.0, a, b, trans_a=turned_a, trans_b=turned_b)
    return result


def _smaller(x: Array) -> Array:
    return gram_of(x, rows=len(x) < x.shape[1])


def _frozen(x: Array) -> Array:
    x.flags.writeable = False
    return x
