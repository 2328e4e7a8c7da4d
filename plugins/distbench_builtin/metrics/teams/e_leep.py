"""E-LEEP: how well a team predicts the labels when its members are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from distbench import Probe, SetMetric
from distbench_builtin.shared.numerics.team_leep import likelihoods


class ELEEP(SetMetric):
    """Log probability of the labels under the averaged predictors of a team's members.

    Agostinelli et al., "Transferability Metrics for Selecting Source Model Ensembles", CVPR 2022.
    With p_k(y_i) what the predictor of `leep` says of the label of image i by source k::

        E-LEEP = 1/n sum_i ln( 1/K sum_k p_k(y_i) )

    At least `ms_leep`, and above it where members err on different images. Of one source it is
    `leep`.

    Range: -H(y) .. 0. Needs logits or probabilities. Cost: that of LEEP for each member.

    Example::

        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]]
        >>> round(distbench.score("e_leep", labels=[0, 0, 0, 1, 1, 1], probabilities=p), 3)
        -0.557
    """

    needs: ClassVar = frozenset({"logits"})

    def score_set(self, probes: Sequence[Probe]) -> float:
        """Mean over the images of the log of the members' mean probability of the label."""
        each = np.stack([probe.shared(likelihoods) for probe in probes])  # (K, n)
        return float(np.log(each.mean(axis=0)).mean())
