"""What each source's LEEP predictor says of the true labels: of which scores of teams are made."""

from __future__ import annotations

import numpy as np

from distbench import Probe
from distbench_builtin.shared.numerics.features import Array
from distbench_builtin.shared.numerics.joint import conditional, joint, members


def likelihoods(probe: Probe) -> Array:
    """Probability (n,) that LEEP's predictor gives the label of each image, > 0.

    ``sum_z P[i, z] p(y_i|z)`` in the words of `distbench_builtin.metrics.leep`; for use with
    `Probe.shared`.
    """
    given, result = conditional(probe.shared(joint)), np.empty(len(probe.labels))
    for row, images in zip(given, probe.labels.shared(members), strict=True):
        result[images] = probe.probabilities[images] @ row  # (n_c, z) @ (z,) -> (n_c,)
    return result
