"""H-score with the shrunk covariance of Ledoit and Wolf, which is defined where n <= D too."""

from __future__ import annotations

import numpy as np

from distbench import Metric, Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.spectrum import Spectrum, centred_spectrum


class HScoreShrinkage(Metric):
    """H-score with a shrunk covariance: tells something with fewer images than dimensions too.

    Ibrahim et al., "Newer is not always better: Rethinking transferability metrics, their
    peculiarities, stability and performance", ECML PKDD 2022. As `hscore`, with the covariance
    shrunk towards a multiple of the identity by the intensity a of Ledoit and Wolf (2004)::

        tr( pinv(C_a) (1 - a) cov g ),   C_a = (1 - a) S + a tr(S)/D I,   S = X'X/n

    where X is centred and g is each image's features replaced by the mean of its class. cov g
    divides by n - 1 and S by n, as in the public code. C_a has the eigenvectors of S, and a follows
    from |S|^2, tr S and the fourth powers of the images' lengths, so neither a D x D matrix nor
    its inverse is formed where n < D.

    Range: 0 to about C - 1, at most (C - 1) n/(n - 1). Unchanged by shifting, rotating and scaling
    the features, not by other linear maps. Features that do not vary score 0.

    Needs features. Cost: O(n D min(n, D)), mostly one symmetric eigenproblem of size min(n, D),
    which `hscore` shares.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("hscore_shrinkage", x, [0, 0, 0, 1, 1, 1]), 3)
        0.676
    """

    def score(self, probe: Probe) -> float:
        """Variance between classes over shrunk variance."""
        n, dims = probe.features.shape
        known = probe.shared(centred_spectrum)
        if not len(known.values):
            return 0.0
        kept = 1 - _intensity(probe, known)
        mean = known.values.sum() / dims
        shrunk = kept * known.values + (1 - kept) * mean
        between = (known.inside / probe.labels.counts[:, None]).sum(axis=0)  # (C, k) -> (k,)
        score: float = (between * kept * known.values / shrunk).sum() * n / (n - 1)
        return float(score)


def _intensity(probe: Probe, known: Spectrum) -> float:
    """Share of the identity in the covariance; that of `sklearn.covariance.LedoitWolf`.

    In units of the largest eigenvalue of X'X, so that nothing overflows.
    """
    n, dims = probe.features.shape
    values = known.values
    mean = values.sum() / dims
    # |S - tr(S)/D I|^2, of which the eigenvalues that are 0 have their part.
    spread = float(((values - mean) ** 2).sum() + (dims - len(values)) * mean**2)
    squares = probe.shared(_squares) / known.largest
    noise = float((squares**2).sum()) - float((values**2).sum()) / n
    return min(max(noise, 0.0) / spread, 1.0) if spread > 0 else 0.0


def _squares(probe: Probe) -> _features.Array:
    """Squared lengths of the centred features, (n,)."""
    x = probe.shared(_features.centred)
    squares: _features.Array = np.einsum("nd,nd->n", x, x)
    return squares
