"""Weights of every strategy, their limits, and what is said of wrong parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench import Strategy, UsageError
from distbench.plugins.registry import registry

SPECS = (
    "nearest",
    "equal",
    "weighted",
    "weighted:0",
    "weighted:inf",
    "weighted:normalise=minmax",
    "weighted:inf:normalise=median",
    "weighted:normalise=zscore",
    "softmax",
    "softmax:normalise=median",
    "softmax:1e-320",
    "softmax:inf",
    "top",
    "top:1",
)
SCORES = np.array([3.0, 1.0, 5.0, 4.0, 2.0])


def make(spec):
    strategy = registry().make("strategy", spec)
    assert isinstance(strategy, Strategy)
    return strategy


def weigh(spec, scores):
    return make(spec).weigh(np.asarray(scores, dtype=np.float64), [])


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("nearest", [0, 0, 1, 0, 0]),
        ("equal", [0.2] * 5),
        ("weighted", np.array([3**9, 1, 5**9, 4**9, 2**9]) / (3**9 + 1 + 5**9 + 4**9 + 2**9)),
        (
            "weighted:normalise=minmax",
            np.array([2**9, 0, 4**9, 3**9, 1]) / (2**9 + 4**9 + 3**9 + 1),
        ),
        ("weighted:1:normalise=minmax", [0.2, 0, 0.4, 0.3, 0.1]),
        ("weighted:power=0", [0.2] * 5),
        ("weighted:inf", [0, 0, 1, 0, 0]),
        ("weighted:1", np.array([3, 1, 5, 4, 2]) / 15),
        ("weighted:inf:normalise=minmax", [0, 0, 1, 0, 0]),
        ("softmax", np.exp([6, 2, 10, 8, 4]) / np.exp([6, 2, 10, 8, 4]).sum()),
        (
            "softmax:normalise=minmax",
            np.exp([5, 0, 10, 7.5, 2.5]) / np.exp([5, 0, 10, 7.5, 2.5]).sum(),
        ),
        ("softmax:inf", [0.2] * 5),
        ("softmax:1e-320", [0, 0, 1, 0, 0]),
        ("top", [0.25, 0, 0.25, 0.25, 0.25]),
        ("top:2", [0, 0, 0.5, 0.5, 0]),
        ("top:99", [0.2] * 5),
    ],
)
def test_weights(spec, wanted):
    np.testing.assert_allclose(weigh(spec, SCORES), wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("spec", SPECS)
def test_one_source_gets_everything(spec):
    assert weigh(spec, [-7.5]).tolist() == [1]


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.startswith(("nearest", "top"))])
def test_equal_scores_are_weighted_alike(spec):
    assert weigh(spec, [0.3, 0.3, 0.3, 0.3]).tolist() == [0.25] * 4


def test_round_off_weighs_nothing():
    nearly = [9 - 2e-15, 9.0, 9 + 4e-15]
    assert weigh("weighted", nearly) == pytest.approx([1 / 3] * 3)
    assert weigh("weighted:1", [9 - 2e-6, 9.0]) == pytest.approx([1 / 3, 2 / 3])
    assert weigh("weighted:normalise=minmax", [9 - 2e-6, 9.0]) == pytest.approx([0, 1])


def test_of_equal_best_scores():
    tied = [1.0, 4.0, 4.0, 0.0, 4.0]
    assert weigh("nearest", tied).tolist() == [0, 1, 0, 0, 0]
    assert weigh("top:2", tied).tolist() == [0, 0.5, 0.5, 0, 0]
    np.testing.assert_allclose(weigh("weighted:inf", tied), [0, 1 / 3, 1 / 3, 0, 1 / 3])


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
@given(scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_weights_are_shares_whatever_the_scores(spec, scores):
    weights = weigh(spec, scores)
    assert weights.shape == (len(scores),)
    assert weights.dtype == np.float64
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-12
    assert weights[int(np.argmax(scores))] > 0


@pytest.mark.parametrize("spec", SPECS)
def test_scale_and_shift_of_scores_do_not_matter(spec):
    np.testing.assert_allclose(weigh(spec, 100 * SCORES - 7), weigh(spec, SCORES), rtol=1e-12)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1, np.nan, 2], "scores must be finite, got nan at position 1; leave such sources out"),
        ([1, 2, -np.inf], "scores must be finite, got -inf at position 2"),
        ([], r"scores must have shape \(s,\) with s > 0, got \(0,\)"),
        ([[1.0, 2.0]], r"scores must have shape \(s,\) with s > 0, got \(1, 2\)"),
    ],
)
def test_scores_that_cannot_be_weighed(spec, scores, message):
    with pytest.raises(ValueError, match=message):
        weigh(spec, scores)


def test_only_equal_needs_no_scores():
    names = ("nearest", "equal", "weighted", "softmax", "top")
    ours = {name: make(name).needs_scores for name in names}
    assert ours == {
        "nearest": True,
        "equal": False,
        "weighted": True,
        "softmax": True,
        "top": True,
    }


def test_values_after_the_colon():
    assert make("weighted").power == 9
    assert make("weighted:12").power == 12
    assert make("weighted:12").label == "weighted:12"
    assert make("weighted:power=inf").power == np.inf
    assert make("softmax").temperature == 0.1
    assert make("softmax:0.5").temperature == 0.5
    assert make("top").k == 4
    assert make("top:k=2").k == 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("weighted:power=abc", "'weighted:power=abc': power='abc' will not do: .*valid number"),
        ("weighted:-1", "'weighted:-1': power='-1' will not do: .*greater than or equal to 0"),
        ("weighted:nan", "'weighted:nan': power='nan' will not do"),
        ("weighted:exponent=2", "weighted has no parameter 'exponent'; it takes power, normalise"),
        ("softmax:0", "'softmax:0': temperature='0' will not do: .*greater than 0"),
        ("top:0", "'top:0': k='0' will not do: .*greater than or equal to 1"),
        ("top:2.5", "'top:2.5': k='2.5' will not do: .*valid integer"),
        ("nearest:3", "'nearest:3': nearest takes no value after the colon"),
        ("equal:power=1", "equal has no parameter 'power'; it takes none"),
    ],
)
def test_wrong_parameters_are_named(spec, message):
    with pytest.raises(UsageError, match=message):
        make(spec)


def test_summaries_say_what_it_is():
    for name in ("nearest", "equal", "weighted", "softmax", "top"):
        cls = type(make(name))
        assert cls.summary().endswith(".")
        assert "Borup" in (cls.__doc__ or "")
