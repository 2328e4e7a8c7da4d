"""How long the metrics take, beside the least that they have to compute and published code.

`make bench` prints a group for each metric and size. A round scores a fresh probe, checks of the
input included; nothing is shared between metrics. The bounds are in `bounds.py`. The published
implementations are run where ``DISTBENCH_PEERS`` names a folder with them (`peers.py` says which),
on the same float64 input, and have to give equal results. ``DISTBENCH_BENCH_LARGE=1`` adds the
largest size, and rounds to what takes long.

Fix the number of threads (``OMP_NUM_THREADS=2``) for figures that are to be reported.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from benchmarks import peak_memory
from benchmarks.absent import AbsentError
from benchmarks.bounds import BOUNDS
from benchmarks.inputs import LARGE, SHAPES, Inputs, Shape, draw, score
from benchmarks.peers import PEERS, Peer, writable

from distbench import Labels, Metric, Probe, SourceInfo
from distbench.plugins.registry import registry

ALL = os.environ.get("DISTBENCH_BENCH_LARGE", "") not in ("", "0")
SECONDS = 60.0 if ALL else 1.0
"""For the rounds of one benchmark, of which there are 1 to 5; more where they take milliseconds."""

METRICS = sorted(set(registry().names("metric")) - {"plasticity", "random", "source_size"})
"""All but those that only wrap another, or compute nothing."""

SLOW = {"etran", "linear_probe", "ncti", "nleep", "pactran", "ridge_loo", "rsa", "sfda"}
"""Without `ALL` only on the smallest size."""


def _cases() -> list[Any]:
    cases = []
    for shape in (*SHAPES, *([LARGE] if ALL else [])):
        for metric in METRICS:
            if metric in SLOW and not ALL and shape != SHAPES[0]:
                continue
            others = [BOUNDS[metric]] if metric in BOUNDS else []
            for contestant in (None, *others, *PEERS.get(metric, [])):
                name = "distbench"
                if isinstance(contestant, Peer):
                    name = contestant.name
                elif contestant is not None:
                    name = f"bound: {contestant.__name__}"
                cases.append(pytest.param(shape, metric, contestant, id=f"{metric} {shape} {name}"))
    return cases


@lru_cache(maxsize=64)
def _score_once(specification: str, shape: Shape) -> float:
    return score(specification, draw(shape))


@pytest.mark.parametrize(("shape", "metric", "contestant"), _cases())
def test_metric(
    benchmark: Any,
    shape: Shape,
    metric: str,
    contestant: Peer | Callable[[Inputs], object] | None,
) -> None:
    benchmark.group = f"{metric} {shape}"
    inputs = draw(shape)

    def run(given: Inputs) -> object:
        return score(metric, given) if contestant is None else contestant(given)

    def setup() -> tuple[tuple[Inputs], dict[str, Any]]:
        return (writable(inputs) if isinstance(contestant, Peer) else inputs,), {}

    try:
        arguments, _ = setup()
        start = time.perf_counter()
        found = run(*arguments)
        took = time.perf_counter() - start
    except AbsentError as reason:
        pytest.skip(str(reason))
    rounds = 25 if took < 0.01 else max(1, min(5, int(SECONDS / took)))
    benchmark.pedantic(run, setup=setup, rounds=rounds)
    if isinstance(contestant, Peer) and isinstance(found, float):
        expected = _score_once(contestant.metric, shape)
        benchmark.extra_info |= {"value": found, "distbench": expected, "remark": contestant.remark}
        if contestant.close is not None and contestant.equal(inputs):
            assert math.isclose(found, expected, rel_tol=contestant.close)


def _zoo(classes: int) -> tuple[Labels, list[dict[str, Any]]]:
    """28 sources on 500 images: arguments of `Probe`."""
    rng = np.random.default_rng(classes)
    labels = Labels(np.arange(500) % classes)
    reference = rng.normal(size=(500, 512)).astype(np.float32)
    sources = []
    for place in range(28):
        d = (2048, 512, 1024, 4096)[place % 4]
        z = (1000, 200, 365, 100)[place % 4]
        latent = 0.05 * place * rng.normal(size=(classes, 64))[labels.ids]
        latent += rng.normal(size=latent.shape)
        info = SourceInfo(
            name=f"source-{place}",
            architecture="resnet50",
            num_classes=z,
            feature_dim=d,
            input_size=224,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            fingerprint=str(place),
            parameters=10_000_000 + place,
            macs=10**9,
            depth=18 + place,
        )
        sources.append(
            {
                "features": np.maximum(latent @ rng.normal(size=(64, d)) / 8, 0).astype(np.float32),
                "logits": (latent @ rng.normal(size=(64, z)) / 4).astype(np.float32),
                "reference": reference,
                "source": info,
            }
        )
    return labels, sources


@pytest.mark.parametrize("classes", [10, 37] if ALL else [10])
def test_a_zoo_by_every_metric(benchmark: Any, classes: int) -> None:
    """28 sources, 500 images, all metrics; seconds of each in the extra information.

    What metrics share is computed by the first that asks, so a share depends on the order.
    """
    benchmark.group = "28 sources x all metrics, 500 images"
    labels, sources = _zoo(classes)
    every = {name: registry().make("metric", name) for name in registry().names("metric")}
    seconds: dict[str, list[float]] = defaultdict(list)

    def run() -> None:
        probes = [Probe(labels, **source) for source in sources]
        for name, metric in every.items():
            start = time.perf_counter()
            assert isinstance(metric, Metric)
            scores = metric.score_all(probes)
            seconds[name].append(time.perf_counter() - start)
            assert len(scores) == len(probes)

    benchmark.pedantic(run, rounds=3 if ALL else 1)
    shares = {name: statistics.median(took) for name, took in seconds.items()}
    benchmark.extra_info |= dict(sorted(shares.items(), key=lambda item: -item[1]))


def test_memory_of_parc(benchmark: Any) -> None:
    """Megabytes in the extra information; time is that of a process that draws the input too."""
    shape = LARGE if ALL else SHAPES[1]
    benchmark.group = "memory"
    benchmark.extra_info["megabytes beyond the input"] = benchmark.pedantic(
        peak_memory.measure, ("parc", shape), rounds=1
    )
