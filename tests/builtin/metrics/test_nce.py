"""NCE against a table of counts, and the defects of published codes."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench import Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics.nce import NCE

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def score(labels, probabilities, **parameters):
    return NCE(**parameters).score(Probe(labels, probabilities=probabilities))


def soften(predicted, z, rng=None):
    """Probabilities (n, z) whose largest is the one of `predicted`."""
    noise = np.zeros((len(predicted), z)) if rng is None else rng.random((len(predicted), z))
    p = noise + 2 * np.eye(z)[predicted]
    return p / p.sum(axis=1, keepdims=True)


def test_a_tiny_case():
    # Of source class 0 two images of three are of class 0; source class 1 is one of class 1.
    wanted = (2 * math.log(2 / 3) + math.log(1 / 3) + math.log(1)) / 4
    assert score([0, 0, 1, 1], soften([0, 0, 0, 1], 2)) == pytest.approx(wanted, rel=1e-14)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(4, 40), st.integers(1, 9), st.integers(2, 4), st.integers(0, 999))
def test_equals_the_formula(n, z, classes, seed):
    rng = np.random.default_rng(seed)
    labels, predicted = rng.permutation(np.arange(n) % classes), rng.integers(0, z, n)
    pairs, totals = Counter(zip(labels, predicted, strict=True)), Counter(predicted)
    wanted = sum(c / n * math.log(c / totals[z]) for (_, z), c in pairs.items())
    found = score(labels, soften(predicted, z, rng))
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(goldens, golden_inputs, case):
    values = goldens[case]
    inputs = golden_inputs(case)
    labels, p = inputs["labels"], inputs["source_probs"]
    assert score(labels, p) == pytest.approx(values["exact.nce"]["value"], rel=1e-12)
    # That code adds 1e-10 to p(z) and within the logarithm.
    soft = values["nce.pactran_soft"]["float64_input"]
    assert score(labels, p, joint="soft") == pytest.approx(soft, rel=1e-8)


def test_many_empty_cells_add_nothing():
    """Another code adds 1e-5 to each of the 400,000 cells, which is four times what is there."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(400), 2)
    predicted = np.where(rng.random(800) < 0.9, labels, rng.integers(0, 400, 800))
    few = score(labels, soften(predicted, 400))
    assert -0.5 < few < 0
    assert score(labels, soften(predicted, 1000)) == pytest.approx(few, rel=1e-13)


def test_of_source_classes_that_tie_the_first_counts():
    labels = [0, 0, 1, 1]
    tied = np.array([[0.4, 0.2, 0.4], [0.4, 0.2, 0.4], [0.2, 0.4, 0.4], [0.3, 0.3, 0.4]])
    assert score(labels, tied) == pytest.approx(0, abs=1e-15)


def test_soft_and_hard_agree_where_the_source_is_certain():
    rng = np.random.default_rng(1)
    labels, certain = rng.permutation(np.arange(30) % 3), np.eye(5)[rng.integers(0, 5, 30)]
    assert score(labels, certain, joint="soft") == pytest.approx(score(labels, certain), rel=1e-12)


def test_a_source_that_says_nothing_has_the_entropy_of_the_labels():
    labels = np.repeat([0, 1], [10, 30])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    for joint in ("hard", "soft"):
        found = score(labels, np.full((40, 6), 1 / 6), joint=joint)
        assert found == pytest.approx(-entropy, rel=1e-13)


def test_specification():
    assert registry().make("metric", "nce:joint=soft").needed() == {"logits"}
    with pytest.raises(UsageError, match="joint='firm' will not do"):
        registry().make("metric", "nce:joint=firm")
