"""H-score against dense linear algebra, reference values, and the defects of other codes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import subspace_angles

from distbench import Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.hscore import HScore


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features):
    return HScore().score(Probe(labels, features=features))


def as_published(labels, features):
    """tr(pinv(cov X) cov g), by a pseudo-inverse."""
    means = np.zeros_like(features)
    for c in np.unique(labels):
        means[labels == c] = features[labels == c].mean(axis=0)
    inverse = np.linalg.pinv(np.atleast_2d(np.cov(features.T)), rcond=1e-12, hermitian=True)
    return np.trace(inverse @ np.atleast_2d(np.cov(means.T)))


def canonical(labels, features):
    """Sum of the squared cosines between the spaces of centred features and centred labels."""
    hot = np.eye(labels.max() + 1)[labels][:, 1:]
    angles = subspace_angles(features - features.mean(axis=0), hot - hot.mean(axis=0))
    return (np.cos(angles) ** 2).sum()


@pytest.mark.parametrize("case", ["small_relu", "wide_n_lt_d", "imbalanced", "edge_gap"])
def test_reference_values(goldens, golden_inputs, case):
    wanted = goldens[case]["exact.hscore"]
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"])
    assert got == pytest.approx(wanted["value"], rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (60, 40), (30, 28), (90, 1)])
def test_equals_the_published_formula_and_canonical_correlations(n, d):
    labels, features = draw(n, d, classes=4, signal=0.5)
    assert score(labels, features) == pytest.approx(as_published(labels, features), rel=1e-9)
    assert score(labels, features) == pytest.approx(canonical(labels, features), rel=1e-9)


def test_by_hand():
    # Variance 10/3 in all; class means -1 and 1 have variance 4/3.
    assert score([0, 0, 1, 1], np.array([[-2.0], [0], [0], [2]])) == pytest.approx(0.5)
    assert score([0, 0, 1, 1], np.array([[-1.0], [-1], [1], [1]])) == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40, 39), (40, 40), (40, 200)])
def test_features_of_full_rank_tell_nothing_and_round_off_does_not_show(shape, dtype):
    labels, features = draw(*shape, classes=10, signal=0)
    assert score(labels, features.astype(dtype)) == pytest.approx(9, rel=1e-9)
    order = np.random.default_rng(1).permutation(40)
    assert score(labels[order], features[order].astype(dtype)) == pytest.approx(9, rel=1e-9)


def test_rank_deficient_features_are_scored_by_what_they_span():
    labels, features = draw(60, 6, signal=0.5)
    wanted = score(labels, features)
    spread = np.random.default_rng(1).normal(size=(6, 200))
    for x in (features @ spread, features @ spread[:, :20], np.hstack([features] * 3)):
        assert score(labels, x) == pytest.approx(wanted, rel=1e-9)
    assert score(labels, np.hstack([features, np.full((60, 90), 0.1)])) == pytest.approx(wanted)


def test_affine_maps_change_nothing():
    labels, features = draw(60, 8, signal=0.5)
    through = features @ np.random.default_rng(2).normal(size=(8, 8)) + 100
    assert score(labels, through) == pytest.approx(score(labels, features), rel=1e-8)


def test_it_is_bounded_where_an_elementwise_product_is_not():
    labels, features = draw(200, 30, classes=5, signal=3)
    assert 0 <= score(labels, features) <= 4
    scatter = np.linalg.pinv(np.cov(features.T))
    means = np.array([features[labels == c].mean(axis=0) for c in range(5)])[labels]
    assert np.trace(scatter * np.cov(means.T)) > 4


def test_features_that_do_not_vary_score_0():
    for x in (np.zeros((30, 4)), np.full((30, 4), 0.1), np.full((30, 400), 0.1)):
        assert score(np.arange(30) % 3, x) == 0


def test_specification():
    metric = registry().make("metric", "hscore")
    assert isinstance(metric, HScore)
    assert metric.needs == {"features"}


def test_sources_that_it_cannot_tell_apart_tie_exactly():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 7
    found = {
        HScore().score(Probe(labels, features=rng.normal(size=(40, d)))) for d in (40, 90, 300)
    }
    assert found == {6.0}
