"""The scales that scores are put on: values, invariance, and what one broken source does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from distbench.plugins.registry import registry
from distbench_builtin.strategies._score_scaling import scaled

SCALES = ("minmax", "rank", "zscore", "median")
SCORES = np.array([0.31, 0.12, 0.58, 0.44, 0.20, 0.27])


def in_effect(spec, scores):
    weights = registry().make("strategy", spec).weigh(np.asarray(scores, dtype=np.float64), [])
    return float(1 / np.sum(weights**2))


@pytest.mark.parametrize(
    ("how", "scores", "wanted"),
    [
        ("minmax", [1, 2, 5], [0, 0.25, 1]),
        ("rank", [5, 1, 2], [1, 1 / 3, 2 / 3]),
        ("rank", [2, 1, 2, 9], [0.625, 0.25, 0.625, 1]),
        ("zscore", [1, 2, 3], norm.cdf(np.array([-1, 0, 1]) / np.sqrt(2 / 3))),
        ("median", [1, 2, 4], norm.cdf(np.array([-1, 0, 2]) / 1.4826)),
        # More than half are equal: the mean absolute deviation, here 8 / 4, takes MAD's place.
        ("median", [3, 3, 3, 11], norm.cdf(np.array([0, 0, 0, 8]) / (2 * np.sqrt(np.pi / 2)))),
    ],
)
def test_values(how, scores, wanted):
    np.testing.assert_allclose(scaled(scores, how), wanted, rtol=1e-12)


def test_of_two_sources_the_worse_keeps_something_but_on_the_papers_scale():
    shares = {how: scaled([0.2, 0.3], how)[0] / scaled([0.2, 0.3], how)[1] for how in SCALES}
    assert shares["minmax"] == 0
    assert shares["rank"] == 0.5
    assert shares["zscore"] == pytest.approx(norm.cdf(-1) / norm.cdf(1))
    assert shares["median"] == pytest.approx(norm.cdf(-1 / 1.4826) / norm.cdf(1 / 1.4826))


@pytest.mark.parametrize("how", SCALES)
@pytest.mark.parametrize(
    "scores", [[0.7], [0, 0, 0], [-4.2] * 5, [0.3, 0.3 * (1 + 1e-12)], [9 - 2e-15, 9, 9 + 4e-15]]
)
def test_scores_that_differ_by_round_off_are_equal(how, scores):
    assert scaled(scores, how).tolist() == [1] * len(scores)


def test_ranks_of_scores_that_differ_by_round_off_are_shared():
    assert scaled([0.5, 0.1 + 0.2, 0.3, 0.7], "rank").tolist() == [0.75, 0.375, 0.375, 1]
    # What counts as round-off is not for a broken source to say.
    assert scaled([-1e12, 0.3, 0.4, 0.5], "rank").tolist() == [0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("transform", [np.exp, np.cbrt, lambda s: s**5, lambda s: 1e6 * s - 3])
def test_only_the_order_counts_for_ranks(transform):
    assert scaled(transform(SCORES), "rank").tolist() == scaled(SCORES, "rank").tolist()
    spec = "weighted:6:normalise=rank"
    assert in_effect(spec, transform(SCORES)) == in_effect(spec, SCORES)


@pytest.mark.parametrize("how", ["rank", "median"])
def test_one_broken_source_moves_weights_hardly(how):
    spec = f"weighted:6:normalise={how}"
    sound = np.linspace(0.2, 0.5, 28)
    broken = np.append(sound, -1e3)
    assert in_effect(spec, broken) == pytest.approx(in_effect(spec, sound), rel=0.1)


def test_one_broken_source_flattens_the_papers_scale():
    sound = np.linspace(0.2, 0.5, 28) ** 2
    assert in_effect("weighted:6:normalise=minmax", sound) < 9
    assert in_effect("weighted:6:normalise=minmax", np.append(sound, -1e3)) > 27


@pytest.mark.parametrize("how", SCALES)
@pytest.mark.parametrize(
    "scores", [[-1.7e308, 0, 1.7e308], [1e308, 1.1e308, 1.2e308], [1e-300, 0, -1e-300], [-1e308, 1]]
)
def test_huge_and_tiny_scores(how, scores):
    values = scaled(scores, how)
    assert np.isfinite(values).all()
    order = np.argsort(scores)
    assert (np.diff(values[order]) > 0).all(), "the order is kept"


@pytest.mark.parametrize("how", SCALES)
def test_scores_are_left_as_they_are(how):
    scores = SCORES.copy()
    scores.flags.writeable = False
    first = scaled(scores, how)
    assert scores.tolist() == SCORES.tolist()
    assert scaled(scores, how).tolist() == first.tolist()
    first[:] = 0
    assert scores.tolist() == SCORES.tolist(), "what is given back is no view"
