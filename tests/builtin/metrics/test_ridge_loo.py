"""Leave-one-out accuracy against n refits and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from distbench import Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics import ridge_loo
from distbench_builtin.metrics.ridge_loo import RidgeLOO


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return RidgeLOO(**parameters).score(Probe(labels, features=features))


def strength(features, ridge):
    values = np.linalg.svd(features - features.mean(axis=0), compute_uv=False) ** 2
    return ridge * values[values > 1e-9 * values[0]].mean()


def refits(labels, features, ridge):
    """Outputs of n models, each fitted without one image: accuracy and sum of squared errors."""
    hot, outputs = np.eye(labels.max() + 1)[labels], []
    for i in range(len(labels)):
        kept = np.arange(len(labels)) != i
        model = Ridge(alpha=strength(features, ridge)).fit(features[kept], hot[kept])
        outputs.append(model.predict(features[i : i + 1])[0])
    outputs = np.array(outputs)
    return 100 * np.mean(outputs.argmax(axis=1) == labels), ((hot - outputs) ** 2).sum()


@pytest.mark.parametrize("ridge", [1e-3, 1.0])
@pytest.mark.parametrize(("n", "d"), [(40, 5), (40, 39), (25, 60), (30, 1)])
def test_equals_refits_without_each_image(n, d, ridge):
    labels, features = draw(n, d, signal=0.4)
    features += 3
    assert score(labels, features, ridge=ridge) == pytest.approx(refits(labels, features, ridge)[0])


def test_equals_refits_with_rank_deficient_features():
    labels, features = draw(40, 6, signal=0.6)
    spread = np.random.default_rng(1).normal(size=(6, 60))
    for x in (features @ spread[:, :12], features @ spread):
        assert score(labels, x, ridge=0.01) == pytest.approx(refits(labels, x, 0.01)[0])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(40, 5), (25, 60)])
def test_by_default_it_takes_the_strength_with_the_least_squared_error(n, d):
    labels, features = draw(n, d, signal=0.4)
    grid = [10.0**power for power in range(-6, 4)]
    found = [refits(labels, features, ridge) for ridge in grid]
    wanted = found[int(np.argmin([squares for _, squares in found]))][0]
    assert score(labels, features) == pytest.approx(wanted)


@pytest.mark.parametrize(("n", "d"), [(150, 12), (60, 200)])
def test_agrees_with_the_leave_one_out_of_scikit_learn(n, d):
    labels, features = draw(n, d, classes=4, signal=0.4)
    alphas = [strength(features, 10.0**power) for power in range(-6, 4)]
    model = RidgeCV(alphas=alphas, scoring="neg_mean_squared_error", store_cv_results=True)
    model.fit(features, np.eye(4)[labels])
    outputs = model.cv_results_[:, :, alphas.index(model.alpha_)]
    wanted = 100 * np.mean(outputs.argmax(axis=1) == labels)
    assert score(labels, features) == pytest.approx(wanted, abs=1e-9)


def test_blocks_of_rows_change_nothing(monkeypatch):
    labels, features = draw(60, 7, signal=0.4)
    wide = np.random.default_rng(1).normal(size=(60, 90))
    wanted = score(labels, features), score(labels, wide)
    monkeypatch.setattr(ridge_loo, "_BLOCK", 50)
    assert (score(labels, features), score(labels, wide)) == pytest.approx(wanted)


@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_shift_rotation_and_scale_change_nothing(shape):
    labels, features = draw(*shape, signal=0.3)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(shape[1],) * 2))[0]
    for x in (features @ turn, 1e3 * features, 1e-4 * features, 1e138 * features, features + 50):
        assert score(labels, x) == pytest.approx(score(labels, features))


def test_separate_classes_are_all_right_and_a_class_of_one_image_cannot_be():
    labels, features = draw(60, 20, signal=5)
    assert score(labels, features) == 100
    labels = np.where(np.arange(60) == 7, 3, labels)
    assert score(labels, features) <= 100 * 59 / 60


def test_features_that_tell_nothing_go_by_the_frequencies_of_the_others():
    for x in (np.zeros((30, 4)), np.full((30, 400), 0.1)):
        assert score(np.repeat([0, 1, 2], [16, 10, 4]), x) == pytest.approx(100 * 16 / 30)
        assert score(np.repeat([0, 1, 2], 10), x) == 0
    # Without an image of the larger class, both are as frequent: a tie, half the image each.
    assert score(np.repeat([0, 1], [16, 15]), np.zeros((31, 4))) == pytest.approx(100 * 8 / 31)


def test_ties_do_not_depend_on_the_numbers_of_the_classes():
    labels, features = np.repeat([0, 1, 2], [16, 15, 9]), np.zeros((40, 2))
    for names in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        assert score(np.array(names)[labels], features) == pytest.approx(100 * 8 / 40)


def test_a_tiny_strength_and_a_perfect_fit_are_exact():
    labels, features = draw(20, 60, signal=0.5)  # 1 - h is about 1e-7 everywhere
    assert score(labels, features, ridge=1e-7) == pytest.approx(refits(labels, features, 1e-7)[0])
    assert score(labels, np.eye(20)) == score(labels, np.eye(20), ridge=1e-9)


def test_specification():
    metric = registry().make("metric", "ridge_loo:ridge=0.1")
    assert isinstance(metric, RidgeLOO)
    assert metric.ridge == 0.1
    assert metric.needs == {"features"}
    with pytest.raises(UsageError, match="ridge=0"):
        registry().make("metric", "ridge_loo:ridge=0")
