"""LEEP against its formula written out image by image, and the defects of published codes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench import Declined, Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.leep import LEEP
from distbench_builtin.metrics.nce import NCE

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, z, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    logits = 2 * rng.normal(size=(n, z)) + signal * rng.normal(size=(classes, z))[labels]
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)


def score(labels, probabilities):
    return LEEP().score(Probe(labels, probabilities=probabilities))


def entropy(labels):
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return -float(shares @ np.log(shares))


def by_hand(labels, probabilities):
    """The formula with plain sums over images."""
    total = 0.0
    for i, y in enumerate(labels):
        chance = 0.0
        for z in range(probabilities.shape[1]):
            column = probabilities[:, z]
            if sum(column) > 0:
                chance += probabilities[i, z] * sum(column[labels == y]) / sum(column)
        total += math.log(chance)
    return total / len(labels)


def test_a_tiny_case():
    # J = [[1.2, .8], [.8, 1.2]], so p(0|0) = .6, and every image has .8 * .6 + .2 * .4 = .56 or
    # .4 * .6 + .6 * .4 = .48.
    p = np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8]])
    wanted = (2 * math.log(0.56) + 2 * math.log(0.48)) / 4
    assert score([0, 0, 1, 1], p) == pytest.approx(wanted, rel=1e-14)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(4, 25), st.integers(1, 7), st.integers(2, 4), st.integers(0, 999))
def test_equals_the_formula(n, z, classes, seed):
    labels, p = draw(n, z, classes, seed=seed)
    p[:, 0] = np.where(seed % 2, p[:, 0], 0)
    p = p / p.sum(axis=1, keepdims=True) if z > 1 else np.ones((n, 1))
    assert score(labels, p) == pytest.approx(by_hand(labels, p), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(goldens, golden_inputs, case):
    values = goldens[case]
    inputs = golden_inputs(case)
    found = score(inputs["labels"], inputs["source_probs"])
    assert found == pytest.approx(values["exact.leep"]["value"], rel=1e-12)
    assert found == pytest.approx(-values["leep.pactran_nll"]["value"], rel=1e-6)


def test_a_source_class_of_probability_0_changes_nothing():
    labels, p = draw(30, 4)
    padded = np.insert(p, [0, 2, 4], 0, axis=1)
    assert score(labels, padded) == pytest.approx(score(labels, p), rel=1e-14)


def test_a_source_class_in_equal_parts_changes_nothing():
    labels, p = draw(30, 4)
    split = np.hstack([p[:, :1] / 2, p[:, :1] / 2, p[:, 1:]])
    assert score(labels, split) == pytest.approx(score(labels, p), rel=1e-13)


def test_lies_between_the_entropy_of_the_labels_and_0():
    labels, p = draw(60, 9)
    assert -entropy(labels) < score(labels, p) < 0
    assert score(labels, np.full((60, 9), 1 / 9)) == pytest.approx(-entropy(labels), rel=1e-13)
    assert score(labels, np.eye(3)[labels]) == pytest.approx(0, abs=1e-15)


def test_is_never_below_nce_of_soft_labels():
    for seed in range(20):
        labels, p = draw(25, 5, seed=seed)
        probe = Probe(labels, probabilities=p)
        assert LEEP().score(probe) >= NCE(joint="soft").score(probe)


def test_tiny_probabilities_do_not_vanish():
    labels = np.array([0, 1])
    p = np.array([[1.0, 1e-300], [1e-300, 1.0]])
    assert score(labels, p) == pytest.approx(0, abs=1e-15)
    # Subnormal: the only images that the second source class is known from.
    assert math.isfinite(score([0, 0, 1], np.array([[1, 5e-324], [1, 0], [1, 0]])))


def test_softmax_of_logits_is_what_probabilities_are():
    labels, p = draw(30, 6)
    found = LEEP().score(Probe(labels, logits=np.log(p) + 7))
    assert found == pytest.approx(score(labels, p), rel=1e-12)


def test_needs_class_outputs():
    assert registry().make("metric", "leep").needed() == {"logits"}
    with pytest.raises(Declined, match="needs logits"):
        LEEP().score(Probe([0, 1, 0], features=np.eye(3)))
