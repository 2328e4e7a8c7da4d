"""LFC against dense Gram matrices, reference values, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest

from distbench import Declined, Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.lfc import LFC

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.exponential(size=(n, d)) + rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return LFC(**parameters).score(Probe(labels, features=features))


def dense(labels, features, order="fro"):
    x = np.asarray(features, np.float64)
    labels = np.asarray(labels)
    k, same = x @ x.T, np.where(labels[:, None] == labels, 1.0, -1.0)
    k, same = k - k.mean(), same - same.mean()
    return (k * same).sum() / (np.linalg.norm(k, order) * np.linalg.norm(same, order))


@pytest.mark.parametrize(("norm", "order"), [("frobenius", "fro"), ("spectral", 2)])
@pytest.mark.parametrize(("n", "d"), [(60, 20), (40, 90), (20, 20), (12, 1)])
def test_equals_the_dense_form(n, d, norm, order):
    labels, features = draw(n, d)
    wanted = dense(labels, features, order)
    assert score(labels, features, norm=norm) == pytest.approx(wanted, rel=1e-9)
    repeated = np.hstack([features, features, 0 * features + 0.1])
    wanted = dense(labels, repeated, order)
    assert score(labels, repeated, norm=norm) == pytest.approx(wanted, rel=1e-9)
    unbalanced = np.minimum(labels * np.arange(n), 5)
    wanted = dense(unbalanced, features, order)
    assert score(unbalanced, features, norm=norm) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case, goldens, golden_inputs):
    values = goldens[case]
    inputs = golden_inputs(case)
    labels, features = inputs["labels"], inputs["features"]
    # The goldens add up n x n numbers in float32, which costs 2e-5 at n = 600.
    assert score(labels, features) == pytest.approx(values["lfc.frobenius"]["value"], rel=1e-4)
    assert score(labels, features) == pytest.approx(dense(labels, features), rel=1e-10)
    wanted = values["lfc.unofficial_specnorm"]["value"]
    assert score(labels, features, norm="spectral") == pytest.approx(wanted, rel=1e-6)


def test_by_hand():
    # K is 1 within the halves, 0 between: that of the labels up to its mean and scale.
    halves = np.array([[1, 0], [1, 0], [0, 1], [0, 1.0]])
    assert score([0, 0, 1, 1], halves) == pytest.approx(1)
    # Crossed labels agree on the diagonal and between halves half of the time: inner product 0.
    assert score([0, 1, 0, 1], halves) == pytest.approx(0, abs=1e-12)


def test_spectral_norms_bound_nothing():
    labels, features = draw(30, 400, classes=10)
    assert score(labels, features, norm="spectral") > 1 > score(labels, features)


def test_little_is_lost_far_from_the_origin():
    labels, features = draw(40, 6)
    for offset in (0.0, 10.0, 1e6):
        shifted = features + offset
        x = shifted.astype(np.longdouble)
        k, same = x @ x.T, np.where(labels[:, None] == labels, 1, -1).astype(np.longdouble)
        k, same = k - k.mean(), same - same.mean()
        wanted = (k * same).sum() / np.sqrt((k * k).sum() * (same * same).sum())
        assert score(labels, shifted) == pytest.approx(float(wanted), rel=1e-9)


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
def test_scale_rotation_and_order_change_nothing(norm):
    labels, features = draw(60, 20)
    before = score(labels, features, norm=norm)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    for moved in (1e-4 * features, 1e100 * features, 1e130 * features, features @ turn):
        assert score(labels, moved, norm=norm) == pytest.approx(before, rel=1e-9)
    order = np.random.default_rng(1).permutation(60)
    assert score(labels[order], features[order], norm=norm) == pytest.approx(before, rel=1e-9)
    assert score(labels, features + 1, norm=norm) != pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
@pytest.mark.parametrize("features", [np.zeros((6, 3)), np.full((6, 3), 0.1)])
def test_features_that_do_not_vary_are_declined(norm, features):
    with pytest.raises(Declined, match="the features do not vary"):
        score(np.arange(6) % 2, features, norm=norm)


def test_specification():
    metric = registry().make("metric", "lfc:norm=spectral")
    assert isinstance(metric, LFC)
    assert metric.norm == "spectral"
    assert metric.needed() == {"features"}
    assert LFC().norm == "frobenius"
