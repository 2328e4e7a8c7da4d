"""Teams of sources: which are found, against definitions written out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from distbench import Context, Declined, Embedding, SourceInfo
from distbench.interfaces.suite import Protocol
from distbench.plugins.registry import registry
from distbench_builtin.shared.numerics.ridge_outputs import left_out_outputs
from distbench_builtin.strategies import team as team_module
from distbench_builtin.strategies.greedy import picked
from distbench_builtin.strategies.team import best_team

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def info(name: str, width: int) -> SourceInfo:
    return SourceInfo(
        name=name,
        architecture="a",
        num_classes=2,
        feature_dim=width,
        input_size=8,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        fingerprint=name,
    )


def context(said: dict[str, Any], labels: Any = LABELS) -> Context:
    """What sources say of labelled images as logits, and as features."""
    n = len(labels)
    return Context(
        suite="s",
        task="t",
        seed=0,
        classes=tuple(map(str, range(labels.max() + 1))),
        labels=np.asarray(labels),
        labelled=np.arange(n),
        unlabelled=np.arange(n),
        validation=np.arange(0),
        protocol=Protocol(),
        embedding=lambda name: Embedding(np.float32(said[name]), np.float32(said[name])),
    )


def weigh(spec: str, said: dict[str, Any]) -> dict[str, float]:
    infos = [info(name, np.shape(z)[1]) for name, z in said.items()]
    strategy = registry().make("strategy", spec)
    weights = strategy.weigh(np.zeros(len(infos)), infos, context(said))
    return {i.name: float(w) for i, w in zip(infos, weights, strict=True) if w}


def sure_of(classes: list[int], wrong: float = 3.0) -> Any:
    """Logits (n, 2) of a source that predicts these classes."""
    return wrong * np.eye(2)[classes]


# Two good sources that err on the same image, and one a little worse that errs elsewhere.
TEAM = {
    "first": sure_of([1, 0, 0, 0, 1, 1, 1, 1]),
    "twin": sure_of([1, 0, 0, 0, 1, 1, 1, 1]),
    "other": sure_of([0, 0, 0, 0, 1, 1, 1, 0], 2.5),
}


def test_e_leep_takes_who_errs_elsewhere_and_ms_leep_the_best_two() -> None:
    assert weigh("team:ms_leep:size=2", TEAM) == {"first": 0.5, "twin": 0.5}
    assert weigh("team:e_leep:size=2", TEAM) == {"first": 0.5, "other": 0.5}


def test_osborn_takes_who_agrees() -> None:
    assert weigh("team:osborn:size=2", TEAM) == {"first": 0.5, "twin": 0.5}


def test_of_fewer_sources_than_members_all_are_taken() -> None:
    assert weigh("team:e_leep:size=7", TEAM) == pytest.approx(dict.fromkeys(TEAM, 1 / 3))


def test_without_a_task_there_is_no_team() -> None:
    for spec in ("team:e_leep", "greedy"):
        with pytest.raises(Declined, match="name a task"):
            registry().make("strategy", spec).weigh(np.zeros(1), [info("a", 2)])


def test_where_images_show_several_classes_greedy_fits_each_and_teams_decline() -> None:
    labels = np.stack([LABELS, 1 - LABELS, LABELS], axis=1)
    said = {"good": np.eye(2)[LABELS] * 5.0, "noise": np.sin(np.arange(16.0)).reshape(8, 2)}
    given = context(said, labels)
    assert given.several
    infos = [info(name, 2) for name in said]
    weights = registry().make("strategy", "greedy:4").weigh(np.zeros(2), infos, given)
    assert weights.tolist() == [1.0, 0.0]
    with pytest.raises(Declined, match="e_leep needs images of one class each"):
        registry().make("strategy", "team:e_leep").weigh(np.zeros(2), infos, given)


def test_a_metric_that_takes_a_reference_is_declined() -> None:
    class Referring(registry().load("metric", "e_leep")):  # type: ignore[misc]
        """E-LEEP that says it needs a reference; ours."""

        needs = frozenset({"reference"})

    strategy = registry().load("strategy", "team")(by=Referring())
    with pytest.raises(Declined, match="needs reference, which no strategy is given"):
        strategy.weigh(np.zeros(1), [info("a", 2)], context({"a": TEAM["first"]}))


def leep_by_definition(z: Any, labels: Any) -> Any:
    """p_k(y_i) of each image, by two loops."""
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    joint = np.array([[p[labels == y, k].sum() for k in range(p.shape[1])] for y in (0, 1)])
    given = joint / joint.sum(0)
    return np.array([sum(p[i, k] * given[y, k] for k in range(2)) for i, y in enumerate(labels)])


def entropy_by_definition(y: Any, z: Any) -> float:
    total = 0.0
    for b in set(z):
        for a in set(y):
            both = np.mean([(u, v) == (a, b) for u, v in zip(y, z, strict=True)])
            if both:
                total -= both * np.log(both / np.mean(np.array(z) == b))
    return total


def test_scores_of_teams_against_their_definitions() -> None:
    from distbench import Probe

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 8, 2)) * 2
    probes = [Probe(LABELS, logits=z) for z in logits]
    each = np.array([leep_by_definition(z, LABELS) for z in logits])

    def score(name: str, members: Any) -> float:
        return float(registry().make("metric", name).score_set(members))  # type: ignore[attr-defined]

    assert score("ms_leep", probes) == pytest.approx(np.log(each).mean())
    assert score("e_leep", probes) == pytest.approx(np.log(each.mean(0)).mean())
    hard = logits.argmax(2)
    fit = np.mean([entropy_by_definition(LABELS, z) for z in hard])
    apart = np.mean(
        [entropy_by_definition(hard[j], hard[k]) for j in range(3) for k in range(3) if j != k]
    )
    assert score("osborn", probes) == pytest.approx(-(fit + apart))
    for single, same in (("ms_leep", "leep"), ("e_leep", "leep"), ("osborn", "nce")):
        alone = registry().make("metric", same).score(probes[0])
        assert score(single, probes[:1]) == pytest.approx(alone)


def test_many_teams_are_built_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = {
        frozenset(t): float(sum(t) - 3 * (set(t) >= {3, 4}))
        for k in (1, 2, 3)
        for t in combinations(range(5), k)
    }
    score: Callable[[Any], float] = lambda t: gains[frozenset(t)]  # noqa: E731
    assert best_team(range(5), 2, score) == (2, 4)
    monkeypatch.setattr(team_module, "_MOST", 1)
    assert best_team(range(5), 2, score) == (4, 2)


def test_left_out_outputs_are_those_of_models_fitted_without_the_image() -> None:
    rng = np.random.default_rng(3)
    for n, d in ((12, 4), (8, 30)):
        x = rng.normal(size=(n, d)) + 5
        y = np.eye(3)[rng.integers(0, 3, n)]
        centred = x - x.mean(0)
        values = np.linalg.eigvalsh(centred @ centred.T)
        mean = values[values > 1e-9].mean()

        def without(i: int, strength: float, x: Any = x, y: Any = y, n: int = n) -> Any:
            kept = np.arange(n) != i
            return (
                Ridge(alpha=strength, solver="cholesky")
                .fit(x[kept], y[kept])
                .predict(x[i : i + 1])[0]
            )

        choices = [
            np.array([without(i, strength) for i in range(n)])
            for strength in mean * 10.0 ** np.arange(-6, 4)
        ]
        wanted = min(choices, key=lambda said: float(((said - y) ** 2).sum()))
        # With fewer images than dimensions weak penalties all but tie.
        assert left_out_outputs(x, y) == pytest.approx(wanted, abs=1e-5 if d < n else 1e-3)


def test_features_that_tell_nothing_say_the_frequencies_of_the_others() -> None:
    y = np.eye(2)[[0, 0, 0, 1]]
    assert left_out_outputs(np.ones((4, 3)), y) == pytest.approx(
        np.array([[2 / 3, 1 / 3]] * 3 + [[1.0, 0.0]])
    )


def test_greedy_picks_again_what_helps_most() -> None:
    truth = np.eye(2)[[0, 1]]
    said = np.array([truth * 0.9, truth * 1.1, truth * 0.0])
    counts, total = [0, 0, 0], np.zeros((2, 2))
    for number in range(1, 5):
        errors = [(((total + one) / number - truth) ** 2).sum() for one in said]
        best = min(range(3), key=errors.__getitem__)
        counts[best] += 1
        total += said[best]
    assert picked(said, truth, 4).tolist() == counts == [2, 2, 0]


def test_greedy_weighs_by_its_picks() -> None:
    rng = np.random.default_rng(0)
    said = {
        "good": np.eye(2)[LABELS] + rng.normal(0, 0.05, (8, 2)),
        "noise": rng.normal(size=(8, 2)),
    }
    weights = weigh("greedy:10", said)
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["good"] >= 0.8
