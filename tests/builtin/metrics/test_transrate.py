"""TransRate against dense log-determinants and reference values."""

from __future__ import annotations

import numpy as np
import pytest

from distbench import Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics import transrate
from distbench_builtin.metrics.transrate import TransRate

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return TransRate(**parameters).score(Probe(labels, features=features))


def dense(labels, features, *, uniform=False, eps=1e-4, normalised=False):
    """The formula with D x D matrices."""
    z = features - features.mean(axis=0)
    rank = 1
    if normalised:
        rank = np.linalg.matrix_rank(z)
        z = z / np.linalg.norm(z, axis=1, keepdims=True)
        z = z / np.sqrt(np.trace(z.T @ z) / len(z))

    def rate(a):
        return 0.5 * np.linalg.slogdet(np.eye(a.shape[1]) + a.T @ a / (len(a) * eps))[1]

    classes = np.unique(labels)
    shares = [1 / len(classes) if uniform else np.mean(labels == c) for c in classes]
    own = [rate(z[labels == c]) for c in classes]
    return (rate(z) - np.dot(shares, own)) / rank


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("parameters", "key", "rel"),
    [
        ({}, "exact.transrate_weighted", 1e-9),
        ({"weights": "uniform"}, "exact.transrate_uniform", 1e-9),
        ({"normalised": True}, "transrate.official_centralised", 1e-5),  # of float32 features
    ],
)
def test_reference_values(goldens, golden_inputs, case, parameters, key, rel):
    wanted = goldens[case][key]
    if wanted.get("error"):
        pytest.skip("the authors' code fails for class numbers that do not occur")
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"], **parameters)
    assert got == pytest.approx(wanted["value"], rel=rel)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("weights", ["share", "uniform"])
@pytest.mark.parametrize(("n", "d"), [(60, 5), (60, 40), (60, 15), (30, 70), (30, 1)])
def test_equals_the_dense_formula(n, d, weights, normalised):
    # 40 dimensions: classes on both sides of n_c = D; 15: all have more images; 70: n < D.
    labels, features = draw(n, d)
    labels = np.where(labels == 2, np.arange(n) % 9 // 8 * 2, labels)  # of different sizes
    wanted = dense(labels, features, uniform=weights == "uniform", normalised=normalised)
    got = score(labels, features, weights=weights, normalised=normalised)
    assert got == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_classes_on_both_sides_of_the_number_of_dimensions():
    labels, features = draw(90, 20)
    labels = np.repeat([0, 1, 2, 3], [50, 25, 14, 1])
    assert score(labels, features) == pytest.approx(dense(labels, features), rel=1e-9)


def test_by_hand():
    # Z = -1, 1 and each class a single image: 1/2 ln(1 + 1/eps) in all and in each class.
    assert score([0, 1], np.array([[0.0], [2]])) == pytest.approx(0, abs=1e-9)
    # Squares 4, 0, 0, 4 over 4 images, and 4, 0 over 2 in each class: the same.
    assert score([0, 0, 1, 1], np.array([[-2.0], [0], [0], [2]])) == pytest.approx(0, abs=1e-9)
    # Squares of the classes: 2 and 0.
    squares = np.array([[-np.sqrt(2)], [np.sqrt(2)], [0], [0]])
    wanted = 0.5 * (np.log1p(1e0) - 0.5 * np.log1p(2))
    assert score([0, 0, 1, 1], squares, eps=1.0) == pytest.approx(wanted, rel=1e-12)


def test_the_weights_matter_for_classes_of_different_size():
    labels, features = draw(100, 30)
    labels = np.repeat([0, 1, 2], [90, 8, 2])
    share, uniform = (score(labels, features, weights=w) for w in ("share", "uniform"))
    assert uniform > 3 * share > 0


def test_large_features_do_not_count_round_off():
    labels, features = draw(60, 6)
    wide = features @ np.random.default_rng(1).normal(size=(6, 40))  # 34 eigenvalues are 0
    x = wide - wide.mean(axis=0)

    def rate(a, scale):
        values = np.linalg.svd(a, compute_uv=False)[:6] * scale
        return 0.5 * np.log1p(values**2 / (len(a) * 1e-4)).sum()

    for scale in (1e2, 1e5, 1e9, 1e130):
        own = np.mean([rate(x[labels == c], scale) for c in range(3)])
        assert score(labels, scale * wide) == pytest.approx(rate(x, scale) - own, rel=1e-7)


def test_where_cholesky_fails_eigenvalues_serve(monkeypatch):
    labels, features = draw(60, 20)
    wanted = score(labels, features)
    monkeypatch.setattr(transrate, "_STEEP", 0)
    assert score(labels, features) == pytest.approx(wanted, rel=1e-9)


def test_shift_and_rotation_change_nothing_and_scale_only_where_normalised():
    labels, features = draw(60, 20)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    for normalised in (False, True):
        before = score(labels, features, normalised=normalised)
        turned = score(labels, features @ turn + 7, normalised=normalised)
        assert turned == pytest.approx(before, rel=1e-8)
    wide = draw(40, 90)
    assert score(wide[0], 10 * wide[1]) > 1.2 * score(*wide)
    scaled = score(labels, 1e3 * features, normalised=True)
    assert scaled == pytest.approx(score(labels, features, normalised=True), rel=1e-8)


@pytest.mark.parametrize("parameters", [{}, {"weights": "uniform"}, {"normalised": True}])
def test_features_that_do_not_vary_score_0(parameters):
    for x in (np.zeros((30, 4)), np.full((30, 4), 0.1), np.full((30, 400), 0.1)):
        assert score(np.arange(30) % 3, x, **parameters) == 0


def test_an_image_at_the_mean_stays_there_when_rows_are_normalised():
    labels, half = draw(20, 5)
    x = np.vstack([half, -half, np.zeros((1, 5))])
    y = np.concatenate([labels, labels, [0]])
    unit = x[:-1] / np.linalg.norm(x[:-1], axis=1, keepdims=True)
    wanted = dense(y, np.vstack([unit, np.zeros((1, 5))]) * np.sqrt(41 / 40)) / 5
    assert score(y, x, normalised=True) == pytest.approx(wanted, rel=1e-9)


def test_specification():
    metric = registry().make("metric", "transrate:weights=uniform,eps=0.01,normalised=true")
    assert isinstance(metric, TransRate)
    assert metric.model_dump() == {"weights": "uniform", "eps": 0.01, "normalised": True}
    assert metric.needs == {"features"}
    with pytest.raises(UsageError, match="eps"):
        registry().make("metric", "transrate:eps=0")
