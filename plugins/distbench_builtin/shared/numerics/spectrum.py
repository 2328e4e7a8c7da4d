"""Eigenvalues of a source's features and what lies of the labels along each eigenvector.

For use with `Probe.shared`: LogME needs those of the features, the H-scores those of the centred
features, and all of them only these few numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, lapack

from distbench import Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.features import Array


class Spectrum(NamedTuple):
    """The features by their singular vectors; k is their rank.

    Attributes:
        values: (k,), positive eigenvalues of X'X, ascending, divided by the largest.
        largest: The largest eigenvalue; 1 where the rank is 0.
        inside: (C, k), squared projections of each class's one-hot column on the left singular
            vectors.
    """

    values: Array
    largest: float
    inside: Array


def spectrum(probe: Probe) -> Spectrum:
    """Of the features as they are."""
    n, d = probe.features.shape
    gram = probe.shared(_features.gram)
    if n < d:
        return _spectrum(gram, probe.labels.onehot, images=n, dims=d, most=n)
    return _spectrum(gram, probe.shared(_features.class_sums).T, images=n, dims=d, most=d)


def centred_spectrum(probe: Probe) -> Spectrum:
    """Of the features less their mean: at most n - 1 eigenvalues are positive."""
    n, d = probe.features.shape
    gram = probe.shared(_features.centred_gram)
    if n < d:
        return _spectrum(gram, probe.labels.onehot, images=n, dims=d, most=n - 1)
    sums = probe.shared(_features.centred_class_sums).T
    return _spectrum(gram, sums, images=n, dims=d, most=min(d, n - 1))


def resolution(images: int, dims: int) -> float:
    """Share of the largest eigenvalue of a Gram matrix below which one is 0 but for round-off."""
    return float(max(images, dims) * np.finfo(np.float64).eps)


def _spectrum(gram: Array, targets: Array, *, images: int, dims: int, most: int) -> Spectrum:
    """Drops what is 0 but for round-off.

    Args:
        gram: (m, m), the smaller Gram matrix.
        targets: (m, C), one-hot labels, or X' times them where the Gram matrix is X'X.
        images: n.
        dims: d.
        most: What the rank cannot exceed.
    """
    values, inside = _eigen(gram, targets)  # (m,), (C, m)
    largest = float(values[-1])
    positive = int((values > resolution(images, dims) * largest).sum()) if largest > 0 else 0
    rank = min(positive, most)
    values, inside = values[len(values) - rank :], inside[:, len(values) - rank :]  # (k,), (C, k)
    if images >= dims:
        inside = inside / values
    largest = largest if rank else 1.0
    return Spectrum(values / largest, largest, inside)


def _eigen(gram: Array, targets: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and squared coordinates of targets along the eigenvectors.

    `numpy.linalg.eigh` without its last and dearest part: the eigenvectors of the tridiagonal
    matrix are not turned back into those of the Gram matrix, the few targets are turned instead.

    Args:
        gram: (m, m), symmetric.
        targets: (m, C).

    Returns:
        (m,) and (C, m).
    """
    if len(gram) == 1:
        return gram[0], np.asarray(targets, np.float64).T ** 2
    size = int(lapack.dsytrd_lwork(len(gram), lower=1)[0])
    # The transpose is the same matrix, in the order that LAPACK wants.
    reflectors, diagonal, beside, scales, _ = lapack.dsytrd(gram.T, lower=1, lwork=size)
    values, vectors = eigh_tridiagonal(diagonal, beside)  # (m,), (m, m)
    turned = np.array(targets, dtype=np.float64, order="F")  # the first row is left as it is
    turned[1:] = lapack.dormqr(
        "L", "T", reflectors[1:, :-1], scales, turned[1:], lwork=64 * targets.shape[1]
    )[0]
    return values, _features.product(vectors.T, turned).T ** 2  # (m, C), turned: (C, m)
