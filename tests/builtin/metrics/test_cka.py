"""CKA against dense Gram matrices, reference values, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest

from distbench import Declined, Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.cka import CKA

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, r=8, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    features = rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[labels]
    return labels, features, features @ rng.normal(size=(d, r)) + 3 * rng.normal(size=(n, r)) + 5


def score(labels, features, reference=None, **parameters):
    return CKA(**parameters).score(Probe(labels, features=features, reference=reference))


def dense(x, y, debiased):
    """By n x n matrices: double centring, or that without the diagonal."""
    sides = []
    for rows in (x, y):
        gram = np.asarray(rows, np.float64) @ np.asarray(rows, np.float64).T
        n = len(gram)
        if debiased:
            np.fill_diagonal(gram, 0)
            sums = gram.sum(axis=1)
            gram = gram - (sums[:, None] + sums) / (n - 2) + gram.sum() / ((n - 1) * (n - 2))
            np.fill_diagonal(gram, 0)
        else:
            centring = np.eye(n) - 1 / n
            gram = centring @ gram @ centring
        sides.append(gram)
    a, b = sides
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize(
    ("n", "d", "r"), [(60, 20, 30), (40, 90, 50), (40, 90, 6), (40, 6, 90), (20, 20, 20), (9, 1, 1)]
)
def test_equals_the_dense_form(n, d, r, debiased):
    labels, features, reference = draw(n, d, r)
    onehot = np.eye(3)[labels]
    got = score(labels, features, debiased=debiased)
    assert got == pytest.approx(dense(features, onehot, debiased), abs=1e-10)
    got = score(labels, features, reference, debiased=debiased, against="reference")
    assert got == pytest.approx(dense(features, reference, debiased), abs=1e-10)


def test_equals_the_dense_form_of_unbalanced_classes():
    labels = np.repeat([2, 5, 7, 9], [1, 2, 30, 7])
    features = np.random.default_rng(0).exponential(size=(40, 16)) + 0.1 * labels[:, None]
    onehot = (labels[:, None] == np.unique(labels)).astype(float)
    assert score(labels, features) == pytest.approx(dense(features, onehot, True), abs=1e-10)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("debiased", "against", "key"),
    [
        (True, "labels", "cka_linear_onehot_debiased"),
        (False, "labels", "cka_linear_onehot"),
        (True, "reference", "cka_linear_ref_debiased"),
        (False, "reference", "cka_linear_ref"),
    ],
)
def test_reference_values(case, debiased, against, key, goldens, golden_inputs):
    inputs = golden_inputs(case)
    probe = Probe(inputs["labels"], features=inputs["features"], reference=inputs["ref_features"])
    got = CKA(debiased=debiased, against=against).score(probe)
    assert got == pytest.approx(goldens[case][f"exact.{key}"]["value"], rel=1e-9)


def test_by_hand():
    # One dimension, centred -1, -1, 1, 1, is the labels themselves.
    labels, features = np.array([0, 0, 1, 1]), np.array([[2], [2], [4], [4.0]])
    assert score(labels, features, debiased=False) == pytest.approx(1)
    assert score(labels, features) == pytest.approx(1)
    crossed = np.array([0, 1, 0, 1])
    assert score(crossed, features, debiased=False) == pytest.approx(0, abs=1e-12)
    # Off the diagonal x x' is 1, -1, -1, ..., less what its rows have: 2/3, -1/3, -1/3, ...
    assert score(crossed, features) == pytest.approx(-0.5)


def test_only_the_debiased_form_of_noise_in_many_dimensions_is_about_0():
    labels = np.arange(60) % 6
    noise = np.random.default_rng(0).normal(size=(60, 4000))
    assert score(labels, noise, debiased=False) > 0.25
    assert abs(score(labels, noise)) < 0.05


@pytest.mark.parametrize("debiased", [True, False])
def test_shift_scale_and_rotation_change_nothing(debiased):
    labels, features, _ = draw(60, 20)
    before = score(labels, features, debiased=debiased)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    for moved in (features + 7, 1e-4 * features, features @ turn):
        assert score(labels, moved, debiased=debiased) == pytest.approx(before, rel=1e-9)
    for factor in (1e-100, 1e100, 1e130):  # fourth powers of these are no float64
        assert score(labels, factor * features, debiased=debiased) == pytest.approx(before)
        got = score(labels, factor * features, features, debiased=debiased, against="reference")
        assert got == pytest.approx(1)


@pytest.mark.parametrize(
    ("parameters", "labels", "features", "reason"),
    [
        ({}, [0, 0, 1], np.eye(3), "at least 4 images, got 3"),
        ({}, [0, 0, 1, 1], np.ones((4, 2)), "the features do not vary"),
        ({"debiased": False}, [0, 0, 1, 1], np.full((4, 2), 0.1), "the features do not vary"),
        ({}, [0, 0, 1, 1], np.eye(4), "the features set no pair of images apart"),
        (
            {},
            [0, 1, 2, 3],
            np.arange(8).reshape(4, 2) ** 2,
            "with sets no pair of images apart",
        ),
        ({"against": "reference"}, [0, 0, 1, 1], np.eye(4), "needs reference features"),
    ],
)
def test_undefined_is_declined(parameters, labels, features, reason):
    with pytest.raises(Declined, match=reason):
        score(np.array(labels), features, **parameters)


def test_a_constant_reference_is_declined():
    labels, features, reference = draw(20, 4)
    with pytest.raises(Declined, match="the reference features do not vary"):
        score(labels, features, 0 * reference + 0.1, against="reference")


def test_specification():
    metric = registry().make("metric", "cka")
    assert isinstance(metric, CKA)
    assert (metric.debiased, metric.against) == (True, "labels")
    assert metric.needed() == {"features"}
    other = registry().make("metric", "cka:against=reference,debiased=false")
    assert (other.debiased, other.against) == (False, "reference")
    assert other.needed() == {"features", "reference"}
