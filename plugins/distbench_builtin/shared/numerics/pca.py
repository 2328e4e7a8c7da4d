"""Principal components of a source's features, computed once for all metrics on a probe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, lapack

from distbench import Probe
from distbench_builtin.shared.numerics.features import Array, centred, centred_gram


class Principal(NamedTuple):
    """Principal components, the largest first; read-only.

    Attributes:
        scores: (n, k), coordinates of the images.
        squares: (k,), squared lengths of the columns of `scores`: eigenvalues of X'X, X centred.
    """

    scores: Array
    squares: Array


def principal(probe: Probe, dims: int | None = None) -> Principal:
    """The first `dims` principal components, or all, of the centred features.

    Each component's sign makes its largest loading positive, so the order of images changes
    nothing. Components that do not vary (beyond round-off) are left out: there are at most as
    many as the rank of the centred features, and none where these are all 0.

    Args:
        probe: Whose features.
        dims: How many components at most; none: all.
    """
    known = probe.shared(_known)
    size = len(probe.shared(centred_gram))
    if dims is None or 4 * dims > size:
        if size not in known:
            known[size] = _components(probe, size)
        scores, squares = known[size]
        return Principal(scores[:, :dims], squares[:dims])
    if dims not in known:  # not cut from all of them: the last digits must not depend on who asks
        known[dims] = _components(probe, dims)
    return known[dims]


def _known(probe: Probe) -> dict[int, Principal]:
    """What `principal` has computed of a probe, by the number of components asked for."""
    return {}


def _components(probe: Probe, dims: int) -> Principal:
    """The components by eigenvectors of the smaller Gram matrix."""
    x, gram = probe.shared(centred), probe.shared(centred_gram)
    n, d = x.shape
    values, vectors = _largest(gram, dims)  # (k,), (m, k)
    kept = values > max(n, d) * np.finfo(np.float64).eps * values[0]
    values, vectors = values[kept], vectors[:, kept]
    if n < d:
        loadings = x.T @ vectors  # (d, n) @ (n, k) -> (d, k)
        scores = vectors * np.sqrt(values)  # (n, k) * (k,)
    else:
        loadings = vectors
        scores = x @ vectors  # (n, d) @ (d, k) -> (n, k)
    largest = np.abs(loadings).argmax(axis=0)  # (d, k) -> (k,)
    scores *= np.where(loadings[largest, np.arange(len(values))] < 0, -1.0, 1.0)
    scores.flags.writeable = values.flags.writeable = False
    return Principal(scores, values)


def _largest(gram: Array, dims: int) -> tuple[Array, Array]:
    """The largest eigenvalues, descending, and their eigenvectors in columns.

    For few of them only these are computed, by relatively robust representations of the
    tridiagonal form: `scipy.linalg.eigh` would bisect, which takes twice as long. For many,
    divide and conquer is faster.

    Args:
        gram: (m, m), symmetric and positive semi-definite.
        dims: How many, 1..m.
    """
    size = len(gram)
    scale = float(np.trace(gram))
    if dims == size or not scale:
        values, vectors = np.linalg.eigh(gram)  # (m,), (m, m)
    else:
        work = int(lapack.dsytrd_lwork(size, lower=1)[0])
        turns, diagonal, beside, factors, _ = lapack.dsytrd(gram / scale, lower=1, lwork=work)
        wanted = (size - dims, size - 1)
        values, inner = eigh_tridiagonal(
            diagonal, beside, select="i", select_range=wanted, lapack_driver="stemr"
        )
        values = values * scale
        vectors = np.array(inner, order="F")  # turning leaves the first row as it is
        vectors[1:] = lapack.dormqr(
            "L", "N", turns[1:, :-1], factors, vectors[1:], lwork=64 * dims
        )[0]
    return values[: -dims - 1 : -1], vectors[:, : -dims - 1 : -1]
