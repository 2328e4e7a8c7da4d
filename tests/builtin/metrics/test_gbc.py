"""GBC against Gaussians pair by pair, reference values, and what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from distbench import Probe
from distbench_builtin.metrics.gbc import GBC
from distbench_builtin.shared.numerics.pca import principal

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    spread = rng.uniform(0.3, 2, size=(classes, d))[labels]
    return labels, spread * rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return GBC(**parameters).score(Probe(labels, features=features))


def overlap(labels, x, covariance):
    """The sum over pairs by the general formula for Gaussians, with full matrices."""
    gaussians = []
    for c in np.unique(labels):
        rows = x[labels == c]
        variances = np.maximum(rows.var(axis=0), 1e-4)
        if covariance == "spherical":
            variances = np.full(x.shape[1], variances.mean())
        gaussians.append((rows.mean(axis=0), np.diag(variances)))
    total = 0.0
    for i, (mean, sigma) in enumerate(gaussians):
        for j, (other, tau) in enumerate(gaussians):
            if i != j:
                pooled = (sigma + tau) / 2
                far = (mean - other) @ np.linalg.solve(pooled, mean - other) / 8
                logdets = [np.linalg.slogdet(m)[1] for m in (pooled, sigma, tau)]
                total += np.exp(-far - (logdets[0] - (logdets[1] + logdets[2]) / 2) / 2)
    return -total


@pytest.mark.parametrize("covariance", ["spherical", "diagonal"])
@pytest.mark.parametrize(
    ("n", "d", "dims"), [(60, 6, None), (50, 9, 5), (30, 80, 64), (300, 200, 9)]
)
def test_equals_the_overlap_of_gaussians(covariance, n, d, dims):
    labels, features = draw(n, d)
    x = features
    if dims is not None:
        turns = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
        x = (x - x.mean(axis=0)) @ turns[:dims].T
    expected = overlap(labels, x, covariance)
    got = score(labels, features, covariance=covariance, dims=dims)
    assert got == pytest.approx(expected, rel=1e-9)


def test_by_hand():
    # Two classes of variance 1 and 4 around 0 and 4: 1/4 16/5 + 1/2 ln(5/4).
    features = np.array([[-1.0], [1.0], [2.0], [6.0]])
    expected = -2 * np.exp(-0.8) * np.sqrt(0.8)
    assert score([0, 0, 1, 1], features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("key", "parameters"),
    [
        ("spherical_paper_pca64", {}),
        ("spherical_paper_raw", {"dims": None}),
        ("spherical_pca64", {"formula": "authors"}),
        ("spherical_raw", {"formula": "authors", "dims": None}),
        ("diagonal_pca64", {"covariance": "diagonal"}),
        ("diagonal_raw", {"covariance": "diagonal", "dims": None}),
    ],
)
def test_reference_values(goldens, golden_inputs, case, key, parameters):
    wanted = goldens[case][f"exact.gbc_{key}"]
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"], **parameters)
    assert got == pytest.approx(wanted["value"], rel=1e-5, abs=0)


def test_the_authors_count_the_logarithm_once():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 400)
    features = rng.normal(size=(800, 20)) * np.where(labels, 4, 1)[:, None]
    assert score(labels, features, formula="authors") < -1.3
    assert score(labels, features) > -0.1  # told apart by their spread alone


def test_features_that_are_all_equal_have_the_lowest_score():
    assert score([0, 1, 2, 0, 1, 2], np.ones((6, 5))) == pytest.approx(-6)


def test_components_that_do_not_vary_count_with_the_least_variance():
    labels, features = draw(40, 5)
    padded = np.hstack([features, np.zeros((40, 3))])
    x = principal(Probe(labels, features=padded), 8).scores
    assert x.shape == (40, 5)
    expected = overlap(labels, np.hstack([x, np.zeros((40, 3))]), "spherical")
    assert score(labels, padded) == pytest.approx(expected, rel=1e-9)


def test_many_classes_of_one_image():
    got = score(np.arange(12), np.random.default_rng(0).normal(size=(12, 30)))
    assert -1e-9 < got <= 0


@pytest.mark.parametrize("covariance", ["spherical", "diagonal"])
def test_rotation_and_shift_change_nothing(covariance):
    labels, features = draw(60, 20)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    before = score(labels, features, covariance=covariance)
    after = score(labels, features @ turn + 3, covariance=covariance)
    assert after == pytest.approx(before, rel=1e-8)


@pytest.mark.parametrize(("n", "d"), [(50, 20), (50, 200), (300, 150), (200, 500), (5, 5), (40, 1)])
def test_principal_components(n, d):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) * rng.uniform(0.1, 3, size=d)
    probe = Probe(np.arange(n) % 2, features=x)
    _, sizes, loadings = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    for dims in (None, 1, 7):
        scores, squares = principal(probe, dims)
        k = scores.shape[1]
        assert k == min(dims or d, n - 1, d)
        np.testing.assert_allclose(squares, sizes[:k] ** 2, atol=1e-12 * sizes[0] ** 2)
        largest = np.abs(loadings[:k]).argmax(axis=1)
        signed = loadings[:k] * np.sign(loadings[np.arange(k), largest])[:, None]
        np.testing.assert_allclose(scores, (x - x.mean(axis=0)) @ signed.T, atol=1e-9)
    order = rng.permutation(n)
    again = principal(Probe(np.arange(n) % 2, features=x[order]), 7).scores
    np.testing.assert_allclose(again, principal(probe, 7).scores[order], atol=1e-9)


def test_principal_components_do_not_depend_on_who_asked_before():
    x = np.random.default_rng(0).normal(size=(100, 300))
    first, second = (Probe(np.arange(100) % 2, features=x) for _ in range(2))
    principal(first)
    assert (principal(first, 7).scores == principal(second, 7).scores).all()


@pytest.mark.parametrize("shape", [(40, 7), (40, 100)])
def test_features_that_are_all_equal_have_no_principal_components(shape):
    probe = Probe(np.arange(40) % 2, features=np.full(shape, 0.1))
    for dims in (None, 1, 3):
        assert principal(probe, dims).scores.shape == (40, 0)
