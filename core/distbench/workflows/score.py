"""Scores from arrays: any metric on features, outputs and labels that one has at hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from distbench.engine.ranking import Comparison, rank_probes
from distbench.errors import ArgumentError, Declined
from distbench.interfaces.metric import Metric
from distbench.interfaces.probe import Labels, Probe, as_numpy
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import SourceInfo
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


def as_metric(metric: str | Metric) -> Metric:
    """A metric by its specification, or as it is.

    Raises:
        UsageError: The name is unknown or a parameter wrong.
    """
    return metric if isinstance(metric, Metric) else registry().make("metric", metric)


def score_arrays(
    metric: str | Metric,
    features: ArrayLike | None,
    labels: ArrayLike | None,
    probabilities: ArrayLike | None,
    logits: ArrayLike | None,
    reference: ArrayLike | None,
    source_info: SourceFacts | None,
    seed: int,
) -> float:
    """What `distbench.score` does.

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
    (probe,) = array_probes(
        [chosen],
        labels,
        {"source": features},
        {"source": probabilities},
        {"source": logits},
        reference,
        {"source": source_info},
        seed,
    )
    value = float(chosen.score(probe))
    if not math.isfinite(value):
        raise Declined(f"{chosen.label} gave {value}")
    return value


def rank_arrays(
    metrics: Sequence[str | Metric],
    labels: ArrayLike | None,
    features: Mapping[str, ArrayLike] | None,
    probabilities: Mapping[str, ArrayLike] | None,
    logits: Mapping[str, ArrayLike] | None,
    reference: ArrayLike | None,
    source_info: Mapping[str, SourceFacts] | None,
    seed: int,
    strategy: str | Strategy = "weighted",
) -> Comparison:
    """What `distbench.rank` does of arrays; a metric ``"all"`` stands for all that is possible.

    Raises:
        ArgumentError: An array will not do, or one that a metric needs is missing.
    """
    given = {
        "features": features,
        "logits": probabilities or logits,
        "reference": reference,
        "source_info": source_info,
    }
    if "all" in metrics:
        every = [as_metric(name) for name in registry().names("metric")]
        absent = {need for need, value in given.items() if value is None}
        chosen = [metric for metric in every if not metric.needed() & absent]
    else:
        chosen = [as_metric(metric) for metric in metrics]
    probes = array_probes(
        chosen,
        labels,
        features or {},
        probabilities or {},
        logits or {},
        reference,
        source_info or {},
        seed,
    )
    if not isinstance(strategy, Strategy):
        strategy = registry().make("strategy", strategy)
    return rank_probes("arrays", chosen, strategy, probes)


def array_probes(
    metrics: Sequence[Metric],
    labels: ArrayLike | None,
    features: Mapping[str, ArrayLike | None],
    probabilities: Mapping[str, ArrayLike | None],
    logits: Mapping[str, ArrayLike | None],
    reference: ArrayLike | None,
    source_info: Mapping[str, SourceFacts | None],
    seed: int,
) -> list[Probe]:
    """A probe for each source that is named in one of the mappings.

    Raises:
        ArgumentError: An array will not do, or one that a metric needs is missing.
    """
    if labels is None:
        raise ArgumentError("labels=, the class number of each image, is missing")
    shared = Labels(labels)
    names = list(dict.fromkeys(n for given in (features, probabilities, logits) for n in given))
    needed = {need: metric for metric in metrics for need in metric.needed()}
    probes = []
    for name in names:
        outputs = _first(logits.get(name), probabilities.get(name))
        facts = source_info.get(name)
        given: dict[str, Any] = {
            "features": features.get(name),
            "logits": outputs,
            "reference": reference,
            "source_info": facts,
        }
        for need, how in _GIVEN_BY.items():
            if need in needed and given[need] is None:
                whose = "" if name == "source" else f" of {name!r}"
                raise ArgumentError(f"metric {needed[need].label!r} needs {how}{whose}")
        probes.append(
            Probe(
                shared,
                features=features.get(name),
                logits=logits.get(name),
                probabilities=probabilities.get(name),
                reference=reference,
                source=_facts(name, facts, features.get(name), outputs),
                seed=seed,
            )
        )
    return probes


def _first(*values: ArrayLike | None) -> ArrayLike | None:
    return next((value for value in values if value is not None), None)


def _facts(
    name: str, given: SourceFacts | None, features: ArrayLike | None, outputs: ArrayLike | None
) -> SourceInfo:
    """Facts about a source; what is not given and not seen from its arrays is unknown."""
    if isinstance(given, SourceInfo):
        return given.model_copy(update={"name": name}) if name != "source" else given
    seen = {
        "name": name,
        "architecture": "unknown",
        "num_classes": _width(outputs),
        "feature_dim": _width(features),
        "input_size": 1,
        "fingerprint": "unknown",
    }
    try:
        return SourceInfo.model_validate({**seen, **(given or {})})
    except ValidationError as error:
        raise ArgumentError(f"source_info of {name!r}: {faults_of(error, SourceInfo)}") from None


def _width(matrix: ArrayLike | None) -> int:
    shape = np.shape(as_numpy(matrix)) if matrix is not None else ()
    return max(shape[1], 1) if len(shape) == 2 else 1
