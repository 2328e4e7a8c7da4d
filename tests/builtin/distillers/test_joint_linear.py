"""A classifier on all sources at once, against scikit-learn on the features written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from distbench.plugins.registry import registry
from distbench_builtin.shared.methods import joint_classifier as _classifier
from distbench_builtin.shared.methods.joint_classifier import deal, probabilities, settle

WEIGHTS = [0.7, 0.3]


@pytest.fixture
def images() -> tuple[list[np.ndarray], np.ndarray]:
    """Features of a source that tells three classes apart, and of one that does not; classes."""
    draw = np.random.default_rng(0)
    classes = np.arange(90) % 3
    good = np.eye(3)[classes] * 2 + draw.normal(size=(90, 3))
    return [draw.normal(3, 2, size=(90, 40)), good], classes


def written_out(features: list[np.ndarray], weights: list[float], pool: np.ndarray) -> np.ndarray:
    """The joint features (p, d) by their definition."""
    parts = []
    for x, weight in zip(features, weights, strict=True):
        z = (x[pool] - x[pool].mean(0)) / x[pool].std(0)
        parts.append(z * np.sqrt(weight / sum(weights) / z.shape[1]))
    joint = np.hstack(parts)
    return joint / np.linalg.norm(joint, axis=1, keepdims=True)


def regression(x: np.ndarray, y: np.ndarray, penalty: float) -> LogisticRegression:
    return LogisticRegression(C=1 / (penalty * len(y)), tol=1e-8, max_iter=10_000).fit(x, y)


@pytest.mark.parametrize("count", [12, 60])
@pytest.mark.parametrize("penalty", [1e-1, 1e-3])
def test_probabilities_are_those_of_logistic_regression(
    images: Any, count: int, penalty: float
) -> None:
    features, classes = images
    pool = np.arange(5, 85)
    known = pool[:count]
    found = probabilities(features, WEIGHTS, pool, known, classes[known], 3, penalty)
    x = written_out(features, WEIGHTS, pool)
    wanted = regression(x[:count], classes[known], penalty).predict_proba(x)
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_a_class_without_labels_is_hardly_ever_said(images: Any) -> None:
    features, classes = images
    known = np.flatnonzero(classes < 2)[:20]
    found = probabilities(features, WEIGHTS, np.arange(90), known, classes[known], 4, 1e-3)
    assert found.shape == (90, 4) and found[:, 2:].max() < 1e-2


def test_settings_are_those_that_are_right_most_often_on_what_is_left_out(images: Any) -> None:
    features, classes = images
    pool, known = np.arange(90), np.arange(0, 90, 2)
    labels, penalties, powers = classes[known], (1e-1, 1e-4), (4.0, 0.0)
    weights = [0.9, 0.1]
    found = settle(
        features,
        weights,
        pool,
        known,
        labels,
        3,
        sharpness=powers,
        penalties=penalties,
        folds=3,
        seed=7,
    )
    draw = np.random.default_rng(7)
    draw.permutation(len(known))
    fold = deal(labels, 3, draw)
    table = {}
    for power in powers:
        x = written_out(features, [w**power for w in weights], pool)[known]
        for penalty in penalties:
            said = np.zeros((len(known), 3))
            for one in range(3):
                test = fold == one
                model = regression(x[~test], labels[~test], penalty)
                said[test] = model.predict_proba(x[test])
            right = (said.argmax(1) == labels).mean()
            likely = np.log(said[np.arange(len(labels)), labels]).mean()
            table[power, penalty] = (right, likely, said)
    best = max(table, key=lambda key: table[key][:2])
    assert best[0] == 0, "the better source is the lighter one"
    assert (found.sharpness, found.penalty) == best
    assert found.choice is not None
    np.testing.assert_allclose(found.choice.probabilities, table[best][2], atol=2e-3)


def test_images_are_dealt_by_class_and_the_only_one_of_a_class_stays() -> None:
    labels = np.array([0] * 7 + [1] * 2 + [2])
    fold = deal(labels, 3, np.random.default_rng(0))
    assert sorted(fold[:7]) == [0, 0, 0, 1, 1, 2, 2]
    assert sorted(fold[7:9]) == [0, 1] and fold[9] == -1


def test_many_labels_are_sampled(images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = images
    monkeypatch.setattr(_classifier, "_MOST", 30)
    given = (features, [1.0, 1.0], np.arange(90), np.arange(90), classes, 3)
    found = settle(*given, sharpness=(1.0,), penalties=(1e-2,), folds=5, seed=0)
    assert found.choice is not None and len(found.choice.labels) == 30


@pytest.fixture
def context(method_context: Any, teachers: Any) -> Any:
    """Two sources that see images 0 and 2 alike, and 1 and 3."""
    near = [[1.0, 0.0], [0.0, 1.0], [1.1, 0.1], [0.1, 1.1], [9.0, 9.0]]
    sources = [teachers.source(name, 0.5, near) for name in ("one", "two")]
    return teachers.learning_from(method_context, *sources)


def test_the_loss_by_hand(
    context: Any, teachers: Any, transparent: Any, batch_of: Any, entropy: Any
) -> None:
    method: Any = registry().make("distiller", "joint_linear:lam=0.3,ratio=3,view=strong")
    (phase,) = method.phases(context)
    assert phase.steps == 5
    assert phase.streams["unlabelled"].views == ("strong",)
    assert phase.streams["unlabelled"].batch == 3 * phase.streams["labelled"].batch
    shown = batch_of([[9.0, 9.0]], strong=[[0.0, 1.0]])
    unlabelled = teachers.with_targets(shown, **{"": [[0.25, 0.75]]})
    found = phase.loss(
        transparent, {"labelled": batch_of([[1.0, 2.0]], [1]), "unlabelled": unlabelled}
    )
    soft = 0.25 * entropy(0, [0.0, 1.0]) + 0.75 * entropy(1, [0.0, 1.0])
    assert float(found) == pytest.approx(0.3 * entropy(1, [1.0, 2.0]) + 0.7 * soft, rel=1e-6)


def test_targets_are_the_labels_and_what_the_classifier_says(context: Any) -> None:
    once: Any = registry().make("distiller", "joint_linear:penalty=0.01,sharpness=1,certainty=1")
    targets = once.targets(context)
    np.testing.assert_allclose(targets[:2], np.eye(2))
    assert targets[2, 0] > 0.9 and targets[3, 1] > 0.9
    assert not targets[4].any(), "a validation image is given nothing"
    twice: Any = registry().make("distiller", "joint_linear:penalty=0.01,sharpness=1,certainty=2")
    row = targets[2].astype(float) ** 2
    np.testing.assert_allclose(twice.targets(context)[2], row / row.sum(), rtol=1e-4)


def test_with_one_label_a_class_the_usual_is_taken(context: Any) -> None:
    pool = np.arange(4)
    make: Any = registry().make
    assert make("distiller", "joint_linear").settled(context, pool) == (1.0, 1e-3, 1.0)
    given = make("distiller", "joint_linear:penalty=0.2,sharpness=3")
    assert given.settled(context, pool) == (3, 0.2, 1.0)


def test_it_is_trained_and_deterministic(
    toy_options: dict[str, Any], teachers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    for home in ("one", "two"):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / home))
        rows.append(teachers.only(teachers.run(toy_options, "joint_linear")))
    assert rows[0].result == rows[1].result
    assert rows[0].result.sources.weights["small-2"] == 1
    assert rows[0].cost.teacher_pass_macs > 0
