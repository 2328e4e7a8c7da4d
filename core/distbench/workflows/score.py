"""Scores from arrays: any metric on features, outputs and labels that one has at hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from distbench.engine.global_state import unchanged
from distbench.engine.ranking import Comparison, rank_probes
from distbench.engine.stages.score import number_of
from distbench.errors import ArgumentError, Declined
from distbench.interfaces.calls import naming
from distbench.interfaces.labels import Labels, as_numpy, labels_of
from distbench.interfaces.metric import BEYOND, Metric, SetMetric
from distbench.interfaces.probe import Probe
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import SourceInfo
from distbench.plugins.objects import made_of
from distbench.plugins.registry import registry
from distbench.storage.validation import faults_of

_GIVEN_BY = {
    "features": "features=",
    "logits": "probabilities= or logits=",
    "reference": "reference=",
    "source_info": "source_info=",
}

SourceFacts = SourceInfo | Mapping[str, Any]
"""Facts about a source: whole, or those of its fields that a metric needs."""


ONE = "source"
"""What the only source is called where there are no names."""


@dataclass(frozen=True)
class Arrays:
    """What sources say of the same labelled images; a mapping names its sources.

    Attributes:
        labels: (n,) class numbers >= 0; (n, c) of 0 and 1 where an image may show several classes.
        features: (n, d) of each source.
        probabilities: (n, z) of each source over its own classes.
        logits: (n, z) of each source, where probabilities are not at hand.
        reference: (n, r) features of a reference model.
        source_info: Facts about each source.
        seed: For metrics that draw at random.
    """

    labels: ArrayLike | None
    features: Mapping[str, ArrayLike | None]
    probabilities: Mapping[str, ArrayLike | None]
    logits: Mapping[str, ArrayLike | None]
    reference: ArrayLike | None
    source_info: Mapping[str, SourceFacts | None]
    seed: int

    @property
    def absent(self) -> set[str]:
        """What a metric may need and no source has."""
        by_source = {
            "features": self.features,
            "logits": self.probabilities or self.logits,
            "source_info": self.source_info,
        }
        missing = {*BEYOND, *(need for need, mapping in by_source.items() if not mapping)}
        return missing | ({"reference"} if self.reference is None else set())

    def probes(self, metrics: Sequence[Metric]) -> list[Probe]:
        """A probe for each source that is named in one of the mappings.

        Raises:
            ArgumentError: An array will not do, or one that a metric needs is missing.
        """
        if self.labels is None:
            raise ArgumentError("labels=, the class number of each image, is missing")
        labels = labels_of(self.labels)
        needed: dict[str, Metric] = {need: m for m in metrics for need in m.needed()}
        for need in sorted(BEYOND & needed.keys()):
            raise ArgumentError(
                f"metric {needed[need].label!r} needs the {need} of a task, which arrays have not; "
                "name one: distbench.rank(task=..., metric=...)"
            )
        names = dict.fromkeys([*self.features, *self.probabilities, *self.logits])
        return [self._probe(name, labels, needed) for name in names]

    def _probe(self, name: str, labels: Labels, needed: Mapping[str, Metric]) -> Probe:
        features, info = self.features.get(name), self.source_info.get(name)
        logits, probabilities = self.logits.get(name), self.probabilities.get(name)
        outputs = probabilities if logits is None else logits
        given = {
            "features": features,
            "logits": outputs,
            "reference": self.reference,
            "source_info": info,
        }
        for need, how in _GIVEN_BY.items():
            if need in needed and given[need] is None:
                whose = "" if name == ONE else f" of {name!r}"
                raise ArgumentError(f"metric {needed[need].label!r} needs {how}{whose}")
        return Probe(
            labels,
            features=_own(features),
            logits=_own(logits),
            probabilities=_own(probabilities),
            reference=_own(self.reference),
            source=_facts(name, info, features, outputs),
            seed=self.seed,
        )


def _own(array: ArrayLike | None) -> NDArray[Any] | None:
    """A copy: the caller's stays as it is, whatever a metric does."""
    return None if array is None else as_numpy(array).copy()


def as_metric(metric: str | Metric | type[Metric]) -> Metric:
    """A metric by its specification, as it is, or of a class with its defaults.

    Raises:
        UsageError: The name is unknown or a parameter wrong.
        ArgumentError: It is no metric.
    """
    if isinstance(metric, (str, Mapping)):
        return registry().make("metric", metric)
    return cast(Metric, made_of("metric", metric))


def score_arrays(metric: str | Metric | type[Metric], arrays: Arrays) -> float:
    """What `distbench.score` does of the one source that the arrays are of.

    Raises:
        ArgumentError: An array will not do, or one that the metric needs is missing.
        Declined: The metric is not defined here.
    """
    chosen = as_metric(metric)
    if "zoo" in chosen.needed():
        raise ArgumentError(
            f"metric {chosen.label!r} compares the sources of a zoo with one another and has no "
            "value for one alone; give all of them to distbench.rank(metric=..., features={...})"
        )
    (probe,) = arrays.probes([chosen])
    if undefined := chosen.undefined(probe.labels):
        raise undefined
    with naming(chosen.name, "score"), unchanged(chosen.name):
        given = chosen.score(probe)
    value = number_of(chosen, given)
    if not math.isfinite(value):
        raise Declined(f"{chosen.label} gave {value}")
    return value


def rank_arrays(
    metrics: Sequence[str | Metric | type[Metric]],
    arrays: Arrays,
    strategy: str | Strategy | type[Strategy] = "weighted",
) -> Comparison:
    """What `distbench.rank` does of arrays; a metric ``"all"`` stands for all that is possible.

    Raises:
        ArgumentError: An array will not do, or one that a metric needs is missing.
    """
    if "all" in metrics:
        every = [as_metric(name) for name in registry().names("metric")]
        chosen = [
            metric
            for metric in every
            if not metric.needed() & arrays.absent and not isinstance(metric, SetMetric)
        ]
    else:
        chosen = [as_metric(metric) for metric in metrics]
    probes = arrays.probes(chosen)
    if isinstance(strategy, (str, Mapping)):
        weighing = registry().make("strategy", strategy)
    else:
        weighing = cast(Strategy, made_of("strategy", strategy))
    return rank_probes("arrays", chosen, weighing, probes)


def _facts(
    name: str, given: SourceFacts | None, features: ArrayLike | None, outputs: ArrayLike | None
) -> SourceInfo:
    """Facts about a source; what is not given and not seen from its arrays is unknown."""
    if isinstance(given, SourceInfo):
        return given.model_copy(update={"name": name}) if name != ONE else given
    seen = {
        "name": name,
        "architecture": "unknown",
        "num_classes": _width(outputs),
        "activation": "softmax" if _width(outputs) > 1 else "sigmoid",
        "feature_dim": _width(features),
        "input_size": 1,
        "mean": (0, 0, 0),
        "std": (1, 1, 1),
        "fingerprint": "unknown",
    }
    try:
        return SourceInfo.model_validate({**seen, **(given or {})})
    except ValidationError as error:
        raise ArgumentError(f"source_info of {name!r}: {faults_of(error, SourceInfo)}") from None


def _width(matrix: ArrayLike | None) -> int:
    shape = np.shape(as_numpy(matrix)) if matrix is not None else ()
    return max(shape[1], 1) if len(shape) == 2 else 1
