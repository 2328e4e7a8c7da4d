"""Stage 3: what a metric says of every eligible source."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.engine.global_state import unchanged
from distbench.errors import Declined, PluginError
from distbench.interfaces.calls import naming, writes
from distbench.interfaces.context import Embedding, Surroundings
from distbench.interfaces.labels import labels_of
from distbench.interfaces.metric import Metric
from distbench.interfaces.probe import Probe
from distbench.interfaces.zoo import SourceInfo
from distbench.storage.safe_text import harmless_text


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
        return cls(**from_json(path.read_bytes()))


def probes_of(
    sources: Sequence[SourceInfo],
    embeddings: Mapping[str, Embedding],
    positions: NDArray[np.int64],
    labels: NDArray[np.int64],
    seed: int,
    reference: NDArray[np.floating] | None = None,
    around: Callable[[SourceInfo], Surroundings] | None = None,
) -> list[Probe]:
    """The probe of each source; what depends on labels alone is shared between them.

    Args:
        sources: Eligible sources.
        embeddings: Their embeddings by name.
        positions: Positions (p,) of the probe among the train images.
        labels: (n,) labels of the train images; (n, c) where an image may show several classes.
        seed: For metrics that draw at random.
        reference: (p, r) features of the reference model on the probe.
        around: What metrics see of each source besides.
    """
    shared = labels_of(labels[positions])
    return [
        Probe(
            shared,
            features=np.asarray(embeddings[source.name].features[positions]),
            logits=np.asarray(embeddings[source.name].logits[positions])
            if source.num_classes
            else None,
            reference=reference,
            source=source,
            seed=seed,
            around=around(source) if around else Surroundings(),
        )
        for source in sources
    ]


def score(metric: Metric, probes: Sequence[Probe]) -> Scores:
    """Scores sources by their probes, each with a `Probe.source` of its own name.

    Raises:
        PluginError: The metric fails, gives what are no scores, or writes into what it is handed.
    """
    values: dict[str, float] = {}
    excluded: dict[str, str] = {}
    if probes and (undefined := metric.undefined(probes[0].labels)):
        why = f"{metric.name} declined: {undefined.reason}"
        return Scores(values, {probe.source.name: why for probe in probes})
    with naming(metric.name, "score"), unchanged(metric.name):
        given = [*metric.score_all([*probes])]
    if not intact(probes):
        raise writes(metric.name)
    if len(given) != len(probes):
        raise PluginError(metric.name, f"gave {len(given)} scores for {len(probes)} sources")
    for probe, value in zip(probes, given, strict=True):
        name = probe.source.name
        if isinstance(value, Declined):
            excluded[name] = f"{metric.name} declined: {harmless_text(value.reason)}"
        elif not math.isfinite(number := number_of(metric, value)):
            excluded[name] = f"{metric.name} gave {number}"
        else:
            values[name] = number
    return Scores(values, excluded)


def intact(probes: Sequence[Probe]) -> bool:
    """Whether all that metrics are handed is as it was: tensors of it can be written."""
    return all(probe.intact() for probe in probes)


def number_of(metric: Metric, value: object) -> float:
    """What a metric gives as a score, as a float.

    Raises:
        PluginError: It is no real number.
    """
    odd = PluginError(metric.name, f"gave {reprlib.repr(value)} as a score; return a float")
    several = getattr(value, "ndim", 0) != 0
    if several or isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsFloat):
        raise odd
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise odd from None
