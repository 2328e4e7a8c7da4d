"""Regularised H-score against scikit-learn's shrunk covariance and reference values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from distbench import Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.hscore import HScore
from distbench_builtin.metrics.hscore_shrinkage import HScoreShrinkage, _intensity
from distbench_builtin.shared.numerics.spectrum import centred_spectrum


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features):
    return HScoreShrinkage().score(Probe(labels, features=features))


def dense(labels, features):
    """The formula with scikit-learn's covariance and its inverse."""
    shrunk = LedoitWolf().fit(features)
    means = np.zeros_like(features)
    for c in np.unique(labels):
        means[labels == c] = features[labels == c].mean(axis=0)
    between = (1 - shrunk.shrinkage_) * np.atleast_2d(np.cov(means.T))
    return np.trace(np.linalg.inv(shrunk.covariance_) @ between)


@pytest.mark.parametrize("case", ["small_relu", "wide_n_lt_d", "imbalanced", "edge_gap"])
def test_reference_values(goldens, golden_inputs, case):
    wanted = goldens[case]["exact.hscore_reg"]
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"])
    assert got == pytest.approx(wanted["value"], rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(80, 6), (80, 80), (30, 120), (20, 1), (3, 7)])
def test_equals_the_formula_with_the_covariance_of_scikit_learn(n, d):
    labels, features = draw(n, d, signal=0.5)
    features = features * np.linspace(0.5, 2, d) + 10
    assert score(labels, features) == pytest.approx(dense(labels, features), rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(80, 6), (80, 80), (30, 120), (20, 1), (3, 7), (2, 5)])
def test_intensity_is_that_of_scikit_learn(n, d):
    labels, features = draw(n, d, classes=2)
    probe = Probe(labels, features=features)
    wanted = LedoitWolf().fit(features).shrinkage_
    assert _intensity(probe, probe.shared(centred_spectrum)) == pytest.approx(wanted, abs=1e-12)


def test_by_hand():
    # One dimension has nothing to be shrunk to: between 4/3 (ddof 1) over 2 (ddof 0).
    assert score([0, 0, 1, 1], np.array([[-2.0], [0], [0], [2]])) == pytest.approx(2 / 3)


def test_it_tells_sources_apart_where_the_h_score_cannot():
    good, noise = draw(60, 300, signal=1), draw(60, 300, signal=0)
    assert score(*good) > 1.5 > score(*noise)
    assert HScore().score(Probe(good[0], features=good[1])) == pytest.approx(2)
    assert HScore().score(Probe(noise[0], features=noise[1])) == pytest.approx(2)


@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_shift_rotation_and_scale_change_nothing(shape):
    labels, features = draw(*shape)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(shape[1],) * 2))[0]
    for x in (features @ turn, 1e3 * features, 1e-4 * features, 1e138 * features, features + 50):
        assert score(labels, x) == pytest.approx(score(labels, features), rel=1e-8)


def test_features_that_do_not_vary_score_0():
    for x in (np.zeros((30, 4)), np.full((30, 4), 0.1), np.full((30, 400), 0.1)):
        assert score(np.arange(30) % 3, x) == 0


def test_specification():
    metric = registry().make("metric", "hscore_shrinkage")
    assert isinstance(metric, HScoreShrinkage)
    assert metric.needs == {"features"}
