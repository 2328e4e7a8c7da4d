"""OSBORN without source data: members that fit the task and agree with one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Probe, SetMetric


class OSBORN(SetMetric):
    """Task difference and cohesion of a team, by entropies of what its members predict.

    Bachu et al., "Building a Winning Team: Selecting Source Model Ensembles using a Submodular
    Transferability Estimation Approach", ICCV 2023. With Z_k the class that source k predicts::

        score = -( mean_k H(Y | Z_k)  +  mean_{j != k} H(Z_j | Z_k) )

    in nats, over the images of the probe; of one source the second term is 0 and it is `nce`. The
    paper adds a third term, the distance of the source's images from the target's by optimal
    transport. It takes source data, which nothing here has, and is left out; how the terms are
    scaled is not known to us, and means are our choice.

    Range: <= 0. Needs logits or probabilities. Cost: O(n) for each pair of members.

    Example::

        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]]
        >>> round(distbench.score("osborn", labels=[0, 0, 0, 1, 1, 1], probabilities=p), 3)
        -0.637
    """

    needs: ClassVar = frozenset({"logits"})

    def score_set(self, probes: Sequence[Probe]) -> float:
        """The two terms, each a mean, with a minus sign."""
        predictions = [probe.shared(predicted) for probe in probes]
        fit = np.mean(
            [_entropy(probe.labels.ids, z) for probe, z in zip(probes, predictions, strict=True)]
        )
        pairs = [
            _entropy(one, other)
            for j, one in enumerate(predictions)
            for k, other in enumerate(predictions)
            if j != k
        ]
        return -float(fit + (np.mean(pairs) if pairs else 0.0))


def predicted(probe: Probe) -> NDArray[np.int64]:
    """The class that a source predicts of each image, (n,), dense numbers."""
    return np.unique(probe.probabilities.argmax(axis=1), return_inverse=True)[1].astype(np.int64)


def _entropy(y: NDArray[np.int64], z: NDArray[np.int64]) -> float:
    """H(Y | Z) in nats of dense class numbers (n,)."""
    counts = np.bincount(z * (y.max() + 1) + y).astype(float)  # of each pair (z, y)
    of_z = np.bincount(z)
    whole = of_z[np.arange(len(counts)) // (y.max() + 1)]
    kept = counts > 0
    return float(-(counts[kept] * np.log(counts[kept] / whole[kept])).sum() / len(y))
