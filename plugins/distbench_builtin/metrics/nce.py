"""NCE: how much the source's predicted class leaves open about the label."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import Metric, Probe
from distbench_builtin.shared.numerics.joint import conditional, joint


class NCE(Metric):
    """Negative conditional entropy of the labels given the source's predicted class.

    Tran et al., "Transferability and Hardness of Supervised Classification Tasks", ICCV 2019. With
    z the source class of highest probability (the lowest number of those that tie) and p(y, z) the
    share of images of class y that are predicted as z::

        NCE = sum_{y,z} p(y, z) ln p(y|z)

    Nothing is added to the counts: one published code adds 1e-5 to every (y, z), whose sum grows
    with the number of classes and can double the value. ``joint=soft`` takes
    ``p(y, z) = 1/n sum of P[i, z] over the images i of class y``, as other code under this name;
    that one is never above LEEP.

    Range: -H(y) (z says nothing of y) .. 0 (z tells y). Unchanged by the order of source classes,
    but for ties.

    Needs logits or probabilities. Cost: O(n z), one pass over P.

    Example::

        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]]
        >>> round(distbench.score("nce", labels=[0, 0, 0, 1, 1, 1], probabilities=p), 3)
        -0.637
    """

    needs: ClassVar = frozenset({"logits"})

    joint: Literal["hard", "soft"] = Field(
        "hard", description="count predicted source classes, or sum their probabilities"
    )

    def score(self, probe: Probe) -> float:
        """Minus the entropy of the label given the predicted class, in nats."""
        if self.joint == "soft":
            sums = probe.shared(joint)
            given = conditional(sums)
            logs = np.log(given, out=np.zeros_like(given), where=given > 0)
            return float((sums * logs).sum()) / len(probe.labels)
        predicted = probe.probabilities.argmax(axis=1)  # (n, z) -> (n,)
        classes = probe.labels.num_classes
        pairs, counts = np.unique(predicted * classes + probe.labels.ids, return_counts=True)
        totals = np.bincount(predicted)[pairs // classes]  # (z,) -> (pairs,)
        return float(counts @ np.log(counts / totals)) / len(probe.labels)
