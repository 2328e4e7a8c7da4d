"""MS-LEEP: how good the members of a team are, each alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from distbench import Probe, SetMetric
from distbench_builtin.shared.numerics.team_leep import likelihoods


class MSLEEP(SetMetric):
    """Mean of the single LEEPs of a team's members.

    Agostinelli et al., "Transferability Metrics for Selecting Source Model Ensembles", CVPR 2022.
    By it the best team of k are the k best sources: what members share counts for nothing. Of one
    source it is `leep`.

    Range: -H(y) .. 0. Needs logits or probabilities. Cost: that of LEEP for each member.

    Example::

        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]]
        >>> round(distbench.score("ms_leep", labels=[0, 0, 0, 1, 1, 1], probabilities=p), 3)
        -0.557
    """

    needs: ClassVar = frozenset({"logits"})

    def score_set(self, probes: Sequence[Probe]) -> float:
        """Mean over members and images of the log probability of the labels."""
        return float(np.mean([np.log(probe.shared(likelihoods)).mean() for probe in probes]))
