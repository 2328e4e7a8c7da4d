"""LEEP: how well the source's class probabilities alone predict the labels."""

from __future__ import annotations

from typing import ClassVar

from distbench import Metric, Probe
from distbench_builtin.shared.numerics.joint import joint, leep


class LEEP(Metric):
    """Log expected empirical prediction of the labels from the source's class probabilities.

    Nguyen et al., "LEEP: A New Measure to Evaluate Transferability of Learned Representations",
    ICML 2020. With P the source's probabilities of its own classes z on n images with labels y,
    the mean log probability of the labels under a predictor that draws z and then y::

        J[y, z] = sum of P[i, z] over the images i of class y
        p(y|z)  = J[y, z] / sum_y J[y, z]
        LEEP    = 1/n sum_i ln( sum_z P[i, z] p(y_i|z) )

    A source class whose probability is 0 on every image has no p(y|z) and no part in the sum;
    several published codes return NaN then, others add 1e-10. Nothing is added here. Codes that
    leave out the logarithm score on another scale and rank differently.

    Range: -H(y) (P says nothing of y) .. 0. Unchanged by the order of source classes and by
    splitting one of them in equal parts.

    Needs logits or probabilities. Cost: O(n z), two passes over P.

    Example::

        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]]
        >>> round(distbench.score("leep", labels=[0, 0, 0, 1, 1, 1], probabilities=p), 3)
        -0.557
    """

    needs: ClassVar = frozenset({"logits"})

    def score(self, probe: Probe) -> float:
        """Mean log expected prediction per image."""
        return leep(probe.labels, probe.probabilities, probe.shared(joint))
