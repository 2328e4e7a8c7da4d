"""Plasticity: a prior for deep sources around any other metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from distbench import Declined, Metric, Need, Probe, primary
from distbench_builtin.metrics.logme import LogME


class Plasticity(Metric):
    """Another metric's z-score over the zoo plus the depth of the source: deeper ones adapt better.

    The prior of Bolya et al., "Scalable Diverse Model Selection for Accessible Transfer Learning",
    NeurIPS 2021, for choosing a model to fine-tune::

        (score - mean of the zoo) / standard deviation of the zoo + layers / 50

    with the mean and the standard deviation (ddof 0) over the sources that can be scored; where
    all scores are equal the first term is 0. Layers are those with weights on the longest path:
    50, 18, 22 and 8 for ResNet-50, ResNet-18, GoogLeNet and AlexNet.

    The prior carries much of what it is praised with: over the fine-tuning accuracies that the
    authors published for 28 sources on each of six targets, the layer count alone correlates with
    accuracy by 0.51, PARC with the prior by 0.70. Compare with ``source_size:by=depth``.

    Range: unbounded, mostly -2..4. Needs the whole zoo, the depth of each source and what the
    other metric needs. Cost: that of the other metric.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"zoo", "source_info"})

    of: Metric = primary(
        default_factory=lambda: LogME().named("logme"), description="the metric to add the prior to"
    )
    layers: float = Field(50, gt=0, description="layers that weigh as much as one deviation")

    def needed(self) -> frozenset[Need]:
        """Facts of the whole zoo, and what the other metric needs."""
        return self.needs | self.of.needed()

    def score(self, probe: Probe) -> float:
        """Declined: the prior compares the sources of a zoo.

        Raises:
            Declined: Always.
        """
        raise Declined("compares the sources of a zoo with one another; score them together")

    def score_all(self, probes: Sequence[Probe]) -> Sequence[float | Declined]:
        """The z-scores plus the prior."""
        depths = [probe.source.depth or 0 for probe in probes]
        scores = [
            value if depth else Declined("the depth of this source is not known")
            for depth, value in zip(depths, self.of.score_all(probes), strict=True)
        ]
        known = np.array([value for value in scores if not isinstance(value, Declined)])
        mean, spread = (known.mean(), np.ptp(known) and known.std()) if len(known) else (0, 0)
        return [
            value
            if isinstance(value, Declined)
            else float((value - mean) / spread if spread else 0) + depth / self.layers
            for depth, value in zip(depths, scores, strict=True)
        ]
