"""LFC: do similar features go with the same label?"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from distbench import Declined, Labels, Metric, Probe
from distbench_builtin.shared.numerics import alignment
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.features import Array


class LFC(Metric):
    """Label-feature correlation: cosine of the features' Gram matrix with same/different labels.

    Deshpande et al., "A linearized framework and a new benchmark for model selection for
    fine-tuning", 2021, arXiv 2102.00084. With K = XX', L = +1 for two images of one class and -1
    for others (an image with itself included), and each matrix less the mean of its entries::

        <K - mean K, L - mean L> / (|K - mean K| |L - mean L|)

    Norms are Frobenius norms, as a cosine has. Codes in circulation, none of them the authors',
    divide by spectral norms, which is not bounded by 1; that is `norm=spectral`. X is not centred:
    one grand mean is taken off, not those of rows and columns. No (n, n) matrix is formed where
    n >= d; with C the centred features, m their mean and v = Cm::

        |K - mean K|^2 = |C'C|^2 + 2 n |v|^2
        <K - mean K, L - mean L> = 2 sum over classes of (|s|^2 + 2 n_c s.m),  s = class sum of C

    Range: -1..1, spectral unbounded. Unchanged by scaling and rotating the features, not by
    shifting them. Needs features. Cost: O(n d min(n, d)), one Gram matrix of the smaller side;
    spectral also eigenvalues of it.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("lfc", x, [0, 0, 0, 1, 1, 1]), 3)
        0.296
    """

    norm: Literal["frobenius", "spectral"] = Field(
        "frobenius", description="norm to divide by; spectral: as the codes in circulation"
    )

    def score(self, probe: Probe) -> float:
        """The cosine.

        Raises:
            Declined: All entries of a Gram matrix are equal.
        """
        features = probe.shared(alignment.of_features)
        if not features.kernel.trace:
            raise Declined("the features do not vary")
        scale = np.sqrt(features.kernel.trace)
        mean = probe.shared(_features.doubles).mean(axis=0) / scale  # (n, d) -> (d,)
        along = features.rows @ (mean / scale)  # (n, d) @ (d,) -> (n,)
        sums = probe.shared(_features.centred_class_sums) / scale  # (C, d)
        counts = probe.labels.counts
        inner = 2 * float(np.vdot(sums, sums)) + 4 * float(counts @ (sums @ mean))
        if self.norm == "frobenius":
            norm = np.sqrt(features.kernel.square + 2 * len(along) * float(along @ along))
            return inner / float(norm * probe.labels.shared(_frobenius))
        return inner / (_spectral(features, mean, along) * probe.labels.shared(_label_spectral))


def _mean(labels: Labels) -> float:
    """Mean of L."""
    return float((2 * (labels.counts**2).sum() - len(labels) ** 2) / len(labels) ** 2)


def _frobenius(labels: Labels) -> float:
    """Frobenius norm of L - mean L."""
    return float(len(labels) * np.sqrt(1 - _mean(labels) ** 2))


def _label_spectral(labels: Labels) -> float:
    """Spectral norm of L - mean L, by its eigenvalues on the classes."""
    root = np.sqrt(labels.counts)
    matrix = np.diag(2.0 * labels.counts) - (1 + _mean(labels)) * np.outer(root, root)
    return float(np.abs(np.linalg.eigvalsh(matrix)).max())


def _spectral(features: alignment.Side, mean: Array, along: Array) -> float:
    """Spectral norm of K - mean K, over the trace of the centred K.

    It is CC' + 1v' + v1'. Where n >= d, its eigenvalues other than 0 are those of a bordered
    diagonal matrix on the eigenvectors of C'C.

    Args:
        features: Centred features C and their Gram matrix.
        mean: (d,), mean of the features, scaled as C is.
        along: (n,), v.
    """
    gram = features.gram / features.kernel.trace
    if len(along) < len(mean):
        return float(np.abs(np.linalg.eigvalsh(gram + along + along[:, None])).max())
    values, vectors = np.linalg.eigh(gram)  # (d,), (d, d)
    root = np.sqrt(np.maximum(values, 0))
    matrix = np.diag(np.append(values, 0))  # (d + 1, d + 1)
    matrix[-1, :-1] = matrix[:-1, -1] = np.sqrt(len(along)) * root * (mean @ vectors)
    return float(np.abs(np.linalg.eigvalsh(matrix)).max())
