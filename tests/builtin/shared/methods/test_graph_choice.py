"""The choice of a graph, against leaving out one label after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distbench.plugins.registry import registry
from distbench_builtin.distillers import label_propagation
from distbench_builtin.shared.methods import graph_choice as _choice
from distbench_builtin.shared.methods.graph import joint_features, neighbour_graph, propagate
from distbench_builtin.shared.methods.graph_choice import Choice, choose, left_out


@pytest.fixture
def images() -> tuple[list[np.ndarray], np.ndarray]:
    """Features of a source that tells three classes apart, and of one that does not; classes."""
    draw = np.random.default_rng(0)
    classes = draw.integers(0, 3, 90)
    good = np.eye(3)[classes] * 3 + draw.normal(size=(90, 3))
    return [draw.normal(size=(90, 2)), good], classes


def test_one_solution_leaves_out_every_label(images: Any) -> None:
    features, classes = images
    graph = neighbour_graph(joint_features(features, [0.5, 0.5], np.arange(90)), 5)
    known = np.arange(0, 90, 4)
    found = left_out(graph, known, classes[known], 4, 0.9)
    for i, one in enumerate(known):
        others = np.delete(known, i)
        wanted = propagate(graph, others, classes[others], 4, 0.9)[one]
        np.testing.assert_allclose(found[i], wanted, atol=1e-6)


def test_the_better_source_is_found(images: Any) -> None:
    features, classes = images
    pool, known = np.arange(90), np.arange(0, 90, 3)
    choice = choose(
        features,
        [0.4, 0.6],
        pool,
        known,
        classes[known],
        3,
        0.9,
        sharpness=(0.0, 1.0, 8.0),
        neighbours=(2, 6),
        seed=0,
    )
    assert choice.sharpness == 8
    assert choice.worth[0] > 0.85
    graph = neighbour_graph(joint_features(features, [0.4**8, 0.6**8], pool), choice.neighbours)
    wanted = left_out(graph, known, classes[known], 3, 0.9)
    np.testing.assert_allclose(choice.probabilities, wanted, atol=1e-4)


def test_a_large_pool_is_sampled(images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = images
    monkeypatch.setattr(_choice, "_MOST", 20)
    pool, known = np.arange(1, 90), np.arange(1, 90, 2)
    seen, labelled, labels = _choice._some(pool, known, classes[known], np.random.default_rng(0))
    assert (len(seen), len(labelled)) == (20, 10)
    assert set(labelled) <= set(seen) <= set(pool)
    np.testing.assert_array_equal(labels, classes[labelled])
    assert len(np.intersect1d(seen, known)) == 10, "the others are unlabelled"
    given = (features, [1, 1], pool, known, classes[known], 3, 0.9)
    choice = choose(*given, sharpness=(0.0, 4.0), neighbours=(3,), seed=1)
    assert len(choice.labels) == 10


def test_likelihood_finds_how_sure_to_be() -> None:
    said = np.array([[0.6, 0.4]] * 10)
    always = Choice(1.0, 3, said, np.zeros(10, dtype=np.int64))
    assert always.likelihood(4.0) > always.likelihood(1.0)
    never = Choice(1.0, 3, said, np.array([0, 1] * 5))
    assert never.likelihood(0.25) > never.likelihood(1.0)
    assert always.likelihood(1.0) == pytest.approx(np.log(0.6))


def test_what_is_given_is_not_chosen(images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = images
    context: Any = type("Context", (), {})()
    context.labelled, context.labels, context.num_classes = np.arange(0, 90, 3), classes, 3
    context.seed_for = lambda name: 0
    rest = (context, features, [0.4, 0.6], np.arange(90))
    make = registry().make
    method: Any = make("distiller", "label_propagation:neighbours=7,sharpness=0.3")
    assert method.settled(*rest)[:2] == (0.3, 7)
    assert make("distiller", "label_propagation").settled(*rest)[0] == 8  # type: ignore[attr-defined]
    monkeypatch.setattr(label_propagation, "choose", None)
    given: Any = make("distiller", "label_propagation:neighbours=7,sharpness=0.3,certainty=2")
    assert given.settled(*rest) == (0.3, 7, 2)
