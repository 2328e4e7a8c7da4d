"""GBC: how far the classes, as Gaussians, overlap in the features."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.spatial.distance import cdist

from distbench import Metric, Probe
from distbench_builtin.shared.numerics.features import Array, centred
from distbench_builtin.shared.numerics.lda import class_deviations, class_slices
from distbench_builtin.shared.numerics.pca import principal

_FLOOR = 1e-4
"""The least variance of a dimension within a class, as in the authors' code."""


class GBC(Metric):
    """Gaussian Bhattacharyya coefficient: minus the overlap of all pairs of classes.

    Pandy et al., "Transferability Estimation using Bhattacharyya Class Separability", CVPR 2022.
    Each class is a Gaussian in the p first principal components of the features. Its variances v
    (ddof 0, not below 1e-4) are averaged over the components where the covariance is spherical;
    over ordered pairs of classes, each pair twice::

        GBC = - sum over i != j of exp(-B_ij)
        B_ij = 1/4 sum_k (m_ik - m_jk)^2 / (v_ik + v_jk)
               + 1/2 sum_k ln( (v_ik + v_jk) / (2 sqrt(v_ik v_jk)) )

    With one variance for all p components the second sum is p times the same number. The
    authors' code takes it once, so that the spread of classes hardly counts;
    ``formula=authors`` does that.

    With fewer than `dims` images or dimensions, p is the smaller of these numbers. Components
    that do not vary count towards p, with the least variance: in a spherical covariance they
    lower the average, as they do in the authors' code.

    Range: -C(C-1)..0, the lowest where classes have the same mean and spread, so that features
    that are all equal have it. Near 0, it no longer tells well separated sources apart. Unchanged
    by shifting the features and, with `dims`, by rotating them; scaling them changes it.

    Needs features. Cost: O(n D min(n, D)), mostly the Gram matrix; O(C^2 p) for the pairs.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("gbc", x, [0, 0, 0, 1, 1, 1]), 3)
        -0.377
    """

    covariance: Literal["spherical", "diagonal"] = Field(
        "spherical", description="one variance for all dimensions of a class, or one for each"
    )
    dims: int | None = Field(
        64, ge=1, description="principal components to keep; none: no PCA, all dimensions"
    )
    formula: Literal["paper", "authors"] = Field(
        "paper",
        description="with spherical covariances, the logarithm of all dimensions, or of a single "
        "one as in the authors' code",
    )

    def score(self, probe: Probe) -> float:
        """Minus the sum of Bhattacharyya coefficients."""
        x = probe.shared(centred)
        p = x.shape[1]
        if self.dims is not None:
            p = min(self.dims, *x.shape)
            x = principal(probe, p).scores
        means, deviations = class_deviations(probe.labels, x[probe.labels.order])  # (C, k), (n, k)
        spans = class_slices(probe.labels)
        variances = np.array([(deviations[span] ** 2).mean(axis=0) for span in spans])  # (C, k)
        variances = np.maximum(variances, _FLOOR)
        if self.covariance == "spherical":
            missing = _FLOOR * (p - x.shape[1])
            variance = (variances.sum(axis=1) + missing) / p  # (C, k) -> (C,)
            distances = _spherical(means, variance, p if self.formula == "paper" else 1)
        else:
            distances = _diagonal(means, variances)
        np.fill_diagonal(distances, np.inf)
        return 0.0 - float(np.exp(-distances).sum())


def _spherical(means: Array, variance: Array, times: int) -> Array:
    """Bhattacharyya distances (C, C) of Gaussians with one variance each.

    Args:
        means: (C, k).
        variance: (C,).
        times: For how many dimensions the logarithm counts.
    """
    pooled = (variance[:, None] + variance) / 2  # (C, C)
    spread = np.log(pooled) - (np.log(variance)[:, None] + np.log(variance)) / 2
    distances: Array = cdist(means, means, "sqeuclidean") / (8 * pooled) + times / 2 * spread
    return distances


def _diagonal(means: Array, variances: Array) -> Array:
    """Bhattacharyya distances (C, C) of Gaussians with diagonal covariances, class by class.

    Args:
        means: (C, k).
        variances: (C, k).
    """
    distances = np.zeros((len(means), len(means)))
    volumes = np.log(variances).sum(axis=1) / 2
    for c, (mean, variance) in enumerate(zip(means, variances, strict=True)):
        pooled = (variance + variances[c:]) / 2  # (k,) + (C - c, k)
        far = ((mean - means[c:]) ** 2 / pooled).sum(axis=1) / 8  # (C - c, k) -> (C - c,)
        spread = (np.log(pooled).sum(axis=1) - volumes[c] - volumes[c:]) / 2
        distances[c, c:] = distances[c:, c] = far + spread
    return distances
