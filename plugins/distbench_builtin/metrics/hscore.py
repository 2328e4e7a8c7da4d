"""H-score: how much of the variance of whitened features lies between the classes."""

from __future__ import annotations

from distbench import Metric, Probe
from distbench_builtin.shared.numerics.spectrum import centred_spectrum


class HScore(Metric):
    """H-score: variance between classes of the features, after whitening them.

    Bao et al., "An Information-Theoretic Approach to Transferability in Task Transfer Learning",
    ICIP 2019. With g each image's features replaced by the mean of its class::

        tr( pinv(cov X) cov g )  =  tr( P_X P_Y )

    the sum of the squared canonical correlations between features and one-hot labels, which is how
    it is computed: P_X and P_Y project on the columns of the centred features and labels. Codes
    that take the pseudo-inverse of a float32 covariance with a tolerance of 1e-15 return round-off
    where the features are rank deficient, as they are whenever n <= D (10.0, -17.9 and 79.8 where
    9 is exact), and one multiplies the two matrices element by element. Here an eigenvalue of the
    smaller Gram matrix is 0 if float64 cannot tell it from 0: below max(n, D) 2.2e-16 of the
    largest.

    Range: 0..min(C - 1, rank). Unchanged by every invertible affine map of the features. It is
    C - 1, whatever the labels, where the centred features have rank n - 1: with n <= D it mostly
    tells nothing, see `hscore_shrinkage`. Features that do not vary score 0.

    Needs features. Cost: O(n D min(n, D)), mostly one symmetric eigenproblem of size min(n, D).

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("hscore", x, [0, 0, 0, 1, 1, 1]), 3)
        0.713
    """

    def score(self, probe: Probe) -> float:
        """Sum of squared canonical correlations."""
        inside = probe.shared(centred_spectrum).inside  # (C, k)
        if inside.shape[1] == len(probe.labels) - 1:
            return float(probe.labels.num_classes - 1)  # without round-off that ranks sources
        return float((inside.sum(axis=1) / probe.labels.counts).sum())
