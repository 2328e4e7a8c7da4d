"""TransRate: how many more bits it takes to code all features than to code them by class."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.linalg import eigh, lapack

from distbench import Metric, Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.features import Array, gram_of
from distbench_builtin.shared.numerics.spectrum import centred_spectrum, resolution

_STEEP = 1e10
"""Beyond this, what round-off leaves of an eigenvalue that is 0 would count."""

_AT_THE_MEAN = 1e-12
"""Share of the longest row below which a row is 0 but for round-off, and has no direction."""


class TransRate(Metric):
    """TransRate: coding rate of the features less the mean coding rate within the classes.

    Huang et al., "Frustratingly Easy Transferability Estimation", ICML 2022. With Z the centred
    features, Z_c its rows of class c, which are not centred again, and n_A the rows of A::

        R(Z) - sum_c w_c R(Z_c),   R(A) = 1/2 ln det( I + A'A / (n_A eps) )

    in nats. The authors' repository weights classes by w_c = n_c/n; the listing that most codes
    copy takes 1/C (`weights=uniform`), which differs for classes of different size and can be far
    larger. The value depends on the scale of the features and grows with D, so that backbones
    compare badly. `normalised` is what the authors' repository computes against that: rows of Z
    are brought to unit length, eigenvalues of Z'Z/n divided by their sum, and the result by the
    rank of Z. The authors choose eps for each target, between 1e-5 and 2e-2; 1e-4 is their code's
    default. Codes that take determinants in float32 lose four digits or more.

    Range: 0 and more with n_c/n weights, without bound with 1/C weights. Unchanged by shifting and
    rotating the features; `normalised` also by scaling them. Features that do not vary score 0.

    Needs features. Cost: O(n D min(n, D)), mostly one product X'X; a Cholesky factorisation of size
    min(n, D) and one of size min(n_c, D) a class.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("transrate", x, [0, 0, 0, 1, 1, 1]), 3)
        0.276
    """

    weights: Literal["share", "uniform"] = Field(
        "share", description="weight of a class: its share of the images, or 1/C"
    )
    eps: float = Field(1e-4, ge=1e-12, le=1e12, description="squared precision of the code")
    normalised: bool = Field(
        False, description="rows of unit length, eigenvalues that sum to 1, divided by the rank"
    )

    def score(self, probe: Probe) -> float:
        """What the labels save of the coding rate, in nats."""
        counts = probe.labels.counts
        eps, rank, x = self.eps, 1, probe.shared(_features.centred)
        if self.normalised:
            rank = len(probe.shared(centred_spectrum).values)
            if not rank:
                return 0.0
            x, total = _unit_rows(x)
            eps *= total
        whole, rates = _rates(probe, x, eps)
        if self.weights == "uniform":
            return (whole - float(rates.mean())) / rank
        # The log-determinant is concave: what falls below 0 is round-off.
        return max(whole - float((counts / counts.sum() * rates).sum()), 0.0) / rank


def _unit_rows(x: Array) -> tuple[Array, float]:
    """Rows of unit length, and the sum of the eigenvalues of X'X/n: the share that is not 0."""
    x = x / np.maximum(np.abs(x).max(), np.finfo(np.float64).tiny)  # or squares may not fit
    lengths = np.sqrt(np.einsum("nd,nd->n", x, x))
    away = lengths > _AT_THE_MEAN * lengths.max()
    x *= np.where(away, 1 / np.where(away, lengths, 1), 0)[:, None]
    return x, float(away.mean())


def _rates(probe: Probe, x: Array, eps: float) -> tuple[float, Array]:
    """Coding rate of all rows, and of the rows of each class, (C,)."""
    n, dims = x.shape
    classes = np.split(probe.labels.order, probe.labels.starts[1:])
    shared = x is probe.shared(_features.centred)
    rates = np.zeros(len(classes))
    if n < dims or max(map(len, classes)) < dims:
        whole = probe.shared(_features.centred_gram) if shared else gram_of(x, rows=n < dims)
        for c, own in enumerate(classes):
            gram = whole[np.ix_(own, own)] if n < dims else gram_of(x[own], rows=True)  # (n_c, n_c)
            rates[c] = _rate(gram, len(own), dims, eps)
    else:  # X_c'X_c of the large classes are needed, and their sum is a part of X'X
        whole = np.zeros((dims, dims))
        for c, own in enumerate(classes):
            gram = gram_of(x[own], rows=len(own) < dims)  # (n_c, n_c) or (D, D)
            if len(own) >= dims:
                whole += gram
            rates[c] = _rate(gram, len(own), dims, eps)
        rest = (probe.labels.counts < dims)[probe.labels.ids]
        if rest.any():
            whole += gram_of(x[rest], rows=False)
    return _rate(whole, n, dims, eps), rates


def _rate(gram: Array, rows: int, dims: int, eps: float) -> float:
    """Half the log-determinant of I + A'A/(rows eps), from A'A or A A'."""
    scale = rows * eps
    if np.trace(gram) < _STEEP * scale:
        matrix = gram.T / scale
        matrix[np.diag_indices(len(matrix))] += 1
        factor, failed = lapack.dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
        if not failed:
            return float(np.log(np.diag(factor)).sum())
    values = eigh(gram.T, eigvals_only=True, check_finite=False)
    values = values[values > resolution(rows, dims) * values[-1]]
    return 0.5 * float(np.log1p(values / scale).sum())
