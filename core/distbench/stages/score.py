"""Stage 3: what a metric says of every eligible source."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench.components import Metric
from distbench.errors import Declined
from distbench.method import Embedding
from distbench.probe import Labels, Probe
from distbench.sources import SourceInfo


@dataclass(frozen=True)
class Scores:
    """Scores of the sources that could be scored, and why the others could not.

    Attributes:
        values: Score by source, in the order of the sources.
        excluded: Reason by source.
    """

    values: dict[str, float]
    excluded: dict[str, str]

    def save(self, path: Path) -> None:
        """Writes them as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Scores:
        """Reads what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def score(
    metric: Metric,
    sources: Sequence[SourceInfo],
    embeddings: Mapping[str, Embedding],
    probe: NDArray[np.int64],
    labels: NDArray[np.int64],
    seed: int,
) -> Scores:
    """Scores sources on a probe.

    Args:
        metric: The metric.
        sources: Eligible sources.
        embeddings: Their embeddings by name.
        probe: Positions of the probe among the train images.
        labels: (n,) labels of the train images.
        seed: For metrics that draw at random.
    """
    shared = Labels(labels[probe])
    probes = []
    for source in sources:
        embedding = embeddings[source.name]
        probes.append(
            Probe(
                shared,
                features=np.asarray(embedding.features[probe]),
                logits=np.asarray(embedding.logits[probe]),
                source=source,
                seed=seed,
            )
        )
    values: dict[str, float] = {}
    excluded: dict[str, str] = {}
    for source, value in zip(sources, metric.score_all(probes), strict=True):
        if isinstance(value, Declined):
            excluded[source.name] = f"{metric.name} declined: {value.reason}"
        elif not math.isfinite(value):
            excluded[source.name] = f"{metric.name} gave {value}"
        else:
            values[source.name] = float(value)
    return Scores(values, excluded)
