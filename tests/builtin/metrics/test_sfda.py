"""SFDA against the procedure written out with full eigenproblems, and reference values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.special import softmax

from distbench import Declined, Probe
from distbench_builtin.metrics.sfda import SFDA
from distbench_builtin.shared.numerics.lda import _solve


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features):
    return SFDA().score(Probe(labels, features=features))


def fit(x, labels, s):
    """Probabilities from all generalised eigenvectors, and the shrinkage."""
    n, d = x.shape
    shares = np.bincount(labels) / n
    means = np.array([x[labels == c].mean(axis=0) for c in range(len(shares))])
    within = sum(
        share * np.atleast_2d(np.cov(x[labels == c].T, bias=True)) for c, share in enumerate(shares)
    )
    if s is None:
        one = within.sum(axis=1)
        for _ in range(3):
            two = within @ one
            two /= np.linalg.norm(two)
            one = within @ two
            one /= np.linalg.norm(one)
        s = max(np.exp(-5 * (one @ within @ two)), 1e-10)
    total = np.atleast_2d(np.cov(x.T, bias=True))

    def shrunk(matrix):
        return (1 - s) * matrix + s * np.trace(matrix) / d * np.eye(d)

    _, vectors = eigh(shrunk(total) - shrunk(within), shrunk(within))
    weights = means @ vectors @ vectors.T
    logits = x @ weights.T - (means * weights).sum(axis=1) / 2 + np.log(shares)
    return softmax(logits, axis=1), means, s


def procedure(labels, features):
    x = np.array(features, dtype=np.float64)
    probabilities, means, s = fit(x, labels, None)
    sure = softmax(probabilities, axis=1)
    moved = x.copy()
    for i, c in enumerate(labels):
        others = np.delete(means, c, axis=0).mean(axis=0)
        moved[i] = sure[i, c] * x[i] + (1 - sure[i, c]) * others
    return fit(moved, labels, s)[0][np.arange(len(x)), labels].mean()


@pytest.mark.parametrize("scale", [0.03, 0.2, 1])
@pytest.mark.parametrize(("n", "d"), [(60, 8), (40, 1), (24, 60), (30, 30)])
def test_equals_the_procedure(n, d, scale):
    labels, features = draw(n, d, signal=0.5)
    expected = procedure(labels, scale * features)
    assert score(labels, scale * features) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("case", ["small_relu", "wide_n_lt_d", "imbalanced"])
def test_reference_values(goldens, golden_inputs, case):
    wanted = goldens[case]["sfda.sfda"]
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"])
    assert got == pytest.approx(wanted["float64_input"], rel=1e-8)
    assert got == pytest.approx(wanted["value"], rel=1e-6)


def test_class_numbers_may_have_gaps_and_features_are_left_alone():
    labels, features = draw(50, 6, classes=4)
    before = features.copy()
    assert score(np.array([0, 2, 3, 9])[labels], features) == score(labels, features)
    assert (features == before).all()


@pytest.mark.parametrize("shape", [(60, 12), (30, 50)])
def test_shift_and_order_of_dimensions_change_nothing(shape):
    labels, features = draw(*shape)
    order = np.random.default_rng(1).permutation(shape[1])
    for other in (features + 7, features[:, order]):
        assert score(labels, 0.1 * other) == pytest.approx(score(labels, 0.1 * features), rel=1e-9)


def test_it_is_1_where_images_are_fewer_than_dimensions():
    labels, features = draw(40, 200, signal=0)
    assert score(labels, features) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(60, 4), (20, 60)])
def test_columns_that_cancel_out_have_their_largest_eigenvalue(shape):
    # Rows sum to 1, as probabilities do: the power iteration has nowhere to start.
    labels, features = draw(*shape, signal=0.3)
    features = softmax(features, axis=1)
    got = score(labels, features)
    deviations = features - np.array([features[labels == c].mean(axis=0) for c in range(3)])[labels]
    s = np.exp(-5 * np.linalg.eigvalsh(deviations.T @ deviations / len(features))[-1])
    probabilities, means, _ = fit(features, labels, s)
    sure = softmax(probabilities, axis=1)[np.arange(len(features)), labels][:, None]
    others = (means.sum(axis=0) - means) / 2
    moved = sure * features + (1 - sure) * others[labels]
    expected = fit(moved, labels, s)[0][np.arange(len(features)), labels].mean()
    assert got == pytest.approx(expected, rel=1e-7)


def test_better_features_score_higher():
    scores = [score(*draw(200, 10, signal=signal)) for signal in (0, 0.3, 0.6, 1)]
    assert scores == sorted(scores)


@pytest.mark.parametrize(
    ("labels", "features"),
    [
        (np.arange(6), np.random.default_rng(0).normal(size=(6, 4))),
        (np.arange(6) % 2, np.zeros((6, 4))),
        (np.arange(6) % 3, 0.1 * np.eye(3)[np.arange(6) % 3]),
        (np.arange(6) % 3, 0.1 * np.eye(9)[np.arange(6) % 3]),
    ],
)
def test_classes_without_spread_are_declined(labels, features):
    with pytest.raises(Declined, match="features of a class are all equal"):
        score(labels, features)


def test_a_covariance_that_round_off_makes_indefinite_is_solved():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    covariance = turn @ np.diag([1.0, 0.5, -1e-17]) @ turn.T
    solution = _solve(covariance, turn, 1e-10)
    np.testing.assert_allclose(turn.T @ solution, np.diag([1, 2, 1e10]), rtol=1e-4, atol=1e-4)
