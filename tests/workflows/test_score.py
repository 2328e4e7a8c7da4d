"""`distbench.score` and `distbench.rank` on arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import distbench
from distbench import ArgumentError, Comparison, Metric, Probe, Ranking, UsageError


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    logits = rng.normal(size=(40, 6)) + np.eye(6)[labels] * 3
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    features = rng.normal(size=(40, 9)) + rng.normal(size=(4, 9))[labels]
    return {"features": features, "labels": labels, "logits": logits, "probabilities": shares}


def test_a_metric_by_name_by_specification_and_by_instance(arrays):
    x, y = arrays["features"], arrays["labels"]
    by_name = distbench.score("logme", x, y)
    assert isinstance(by_name, float)
    assert distbench.score("logme:stopping=authors", features=x, labels=y) != by_name

    class Spread(Metric):
        """Spread."""

        def score(self, probe):
            return float(probe.features.std())

    assert distbench.score(Spread(), features=x, labels=y) == pytest.approx(x.std())


def test_numpy_torch_and_lists(arrays):
    x, y = arrays["features"], arrays["labels"]
    wanted = distbench.score("logme", x, y)
    tensor = torch.from_numpy(x).requires_grad_()
    assert distbench.score("logme", tensor, torch.from_numpy(y)) == wanted
    assert distbench.score("logme", x.tolist(), y.tolist()) == wanted
    half = torch.from_numpy(x).to(torch.bfloat16)
    assert distbench.score("logme", half, y) == pytest.approx(wanted, abs=0.02)


def test_probabilities_or_logits(arrays):
    y = arrays["labels"]
    given = distbench.score("leep", labels=y, probabilities=arrays["probabilities"])
    assert distbench.score("leep", labels=y, logits=arrays["logits"]) == pytest.approx(given)


@pytest.mark.parametrize(
    ("metric", "given", "message"),
    [
        ("leep", ("features", "labels"), "'leep' needs probabilities= or logits="),
        ("logme", ("logits", "labels"), "'logme' needs features="),
        ("rsa", ("features", "labels"), "'rsa' needs reference="),
        ("source_size", ("features", "labels"), "'source_size' needs source_info="),
        ("logme", ("features",), "labels=, the class number of each image, is missing"),
        ("ncti", ("features", "labels"), "compares the sources of a zoo .* distbench.rank"),
        ("plasticity", ("features", "labels"), "compares the sources of a zoo .* distbench.rank"),
    ],
)
def test_what_is_missing_is_named(arrays, metric, given, message):
    with pytest.raises(ArgumentError, match=message):
        distbench.score(metric, **{name: arrays[name] for name in given})


def test_wrong_arrays_are_errors(arrays):
    x, y, p = arrays["features"], arrays["labels"], arrays["probabilities"]
    with pytest.raises(ArgumentError, match=r"row 7 sums to 0\.5; give raw outputs as logits"):
        distbench.score("leep", labels=y, probabilities=np.vstack([p[:7], p[7:8] / 2, p[8:]]))
    with pytest.raises(ArgumentError, match="must be >= 0"):
        distbench.score("leep", labels=y, probabilities=arrays["logits"])
    with pytest.raises(ArgumentError, match=r"\(40, d\).*\(40, 3, 3\)"):
        distbench.score("logme", x.reshape(40, 3, 3), y)
    with pytest.raises(ArgumentError, match="label 5 is -1"):
        distbench.score("logme", x, np.r_[y[:5], -1, y[6:]])
    with pytest.raises(ArgumentError, match="real numbers"):
        distbench.score("logme", x * 1j, y)
    with pytest.raises(ArgumentError, match=r"unknown key .*mean 'parameters'"):
        distbench.score("source_size", x, y, source_info={"paramaters": 3})
    with pytest.raises(UsageError, match=r"unknown metric 'logmee'.*'logme'"):
        distbench.score("logmee", x, y)
    with pytest.raises(ValueError, match="d > 0"):
        distbench.score("logme", x[:, :0], y)


def test_facts_by_the_fields_that_matter(arrays):
    x, y = arrays["features"], arrays["labels"]
    small, big = (
        distbench.score("source_size", x, y, source_info={"parameters": n}) for n in (10**6, 10**8)
    )
    assert big - small == pytest.approx(2)


def test_ranking_arrays(arrays):
    rng = np.random.default_rng(1)
    x, y = arrays["features"], arrays["labels"]
    noise = rng.normal(size=x.shape)
    sources = {"near": x, "noisy": x + 2 * noise, "noise": noise}
    ranking = distbench.rank(metric="logme", features=sources, labels=y)
    assert isinstance(ranking, Ranking)
    assert list(ranking.scores) == ["near", "noisy", "noise"]
    assert ranking.scores["near"] == distbench.score("logme", x, y)
    assert ranking.places == {"near": 1, "noisy": 2, "noise": 3}
    assert sum(r.weight for r in ranking.sources) == pytest.approx(1)

    compared = distbench.rank(metric="all", features=sources, labels=y)
    assert isinstance(compared, Comparison)
    assert {"logme", "parc", "ncti", "knn"} <= set(compared.metrics)
    assert not {"leep", "rsa", "source_size", "plasticity"} & set(compared.metrics)
    assert compared["logme"].scores == ranking.scores
    assert compared.sources[0] == "near"
    tau = compared.agreement()
    assert tau.shape == (len(compared.metrics),) * 2
    assert tau[compared.metrics.index("logme"), compared.metrics.index("logme")] == 1


def test_agreement_is_kendalls_tau_over_the_sources_that_both_scored():
    from distbench.engine.ranking import Ranked
    from distbench.workflows.score import _facts

    def ranking(metric, scores):
        order = sorted(scores, key=lambda name: -scores[name])
        ranked = tuple(Ranked(_facts(name, None, None, None), scores[name], 0) for name in order)
        return Ranking("t", metric, "equal", 5, ranked)

    compared = Comparison(
        (
            ranking("one", {"a": 3, "b": 2, "c": 1, "d": 0}),
            ranking("two", {"a": 1, "b": 2, "c": 0}),
            ranking("flat", {"a": 1, "b": 1}),
        )
    )
    tau = compared.agreement()
    assert tau[0, 1] == pytest.approx(1 / 3)  # of three pairs, one is turned round
    assert np.isnan(tau[0, 2])
    assert compared["flat"].places == {"a": 1.5, "b": 1.5}


def test_arrays_and_a_task_do_not_mix(arrays):
    with pytest.raises(ArgumentError, match="task cannot be used"):
        distbench.rank("mini-cub", features={"a": arrays["features"]}, labels=arrays["labels"])


class Spread(Metric):
    """Standard deviation of all features."""

    def score(self, probe: Probe) -> float:
        return float(probe.features.std())


def test_classes_are_taken_as_they_are_by_runs() -> None:
    x, y = [[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [0.0, 4.0]], [0, 1, 0, 1]
    value = float(np.std(x))
    assert distbench.score(Spread, x, y) == distbench.score(Spread(), x, y) == value
    named = {"a": x, "b": (2 * np.array(x)).tolist()}
    assert distbench.rank(metric=Spread, features=named, labels=y).scores["b"] == 2 * value
    both = distbench.rank(metric=["logme", Spread], features=named, labels=y, strategy="equal")
    assert [ranking.metric for ranking in both.rankings] == ["logme", "spread"]
    with pytest.raises(ArgumentError, match="metric=<class 'int'> will not do: give a name, or a"):
        distbench.score(int, x, y)  # type: ignore[arg-type]
