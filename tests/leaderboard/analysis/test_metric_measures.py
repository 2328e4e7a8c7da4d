"""Scores of sources against what these led to: values by definition, ties and gaps by chance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import weightedtau

from distbench.leaderboard.analysis.metric_measures import expected_best, judged, weighted_tau


def by_definition(score, accuracy):
    """Vigna's weighted tau by its definition: mean of ranking by (x, y) and by (y, x)."""

    def by(first, second):
        order = sorted(range(len(first)), key=lambda i: (first[i], second[i]), reverse=True)
        rank = {i: place for place, i in enumerate(order)}
        top = bottom = 0.0
        for i, j in itertools.combinations(range(len(first)), 2):
            weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1)
            top += weight * np.sign(score[i] - score[j]) * np.sign(accuracy[i] - accuracy[j])
            bottom += weight
        return top / bottom

    return (by(score, accuracy) + by(accuracy, score)) / 2


def test_values_by_definition():
    rng = np.random.default_rng(0)
    for _ in range(5):
        score, accuracy = rng.normal(size=(2, 7))
        tau, pearson, one, three = judged(score, accuracy)
        assert tau == pytest.approx(by_definition(score, accuracy))
        assert tau == pytest.approx(weightedtau(score, accuracy).statistic)
        assert pearson == pytest.approx(np.corrcoef(score, accuracy)[0, 1])
        order = np.argsort(-score)
        assert one == pytest.approx(accuracy.max() - accuracy[order[0]])
        assert three == pytest.approx(accuracy.max() - accuracy[order[:3]].max())


@pytest.mark.parametrize(
    "score", [[2, 2, 1, 0, 0], [1, 1, 1, 1, 1], [3, np.nan, 1, np.nan, np.nan], [np.nan] * 5]
)
def test_ties_and_gaps_are_the_mean_over_all_orders_of_them(score):
    score = np.array(score, dtype=float)
    accuracy = np.array([0.3, 0.9, 0.1, 0.5, 0.7])
    paid = np.array([0.4, 0.8, 0.2, 0.9, 0.6])
    low = np.where(np.isnan(score), -9, score)
    results = []
    for breaks in itertools.permutations(range(5)):
        strict = low + 1e-3 * np.array(breaks)
        order = np.argsort(-strict)
        best = [paid[max(order[:k], key=lambda i: accuracy[i])] for k in (1, 3)]
        results.append([weightedtau(strict, accuracy).statistic, *best])
    tau, one, three = np.mean(results, axis=0)
    assert weighted_tau(score, accuracy) == pytest.approx(tau)
    assert expected_best(score, 1, accuracy, paid) == pytest.approx(one)
    assert expected_best(score, 3, accuracy, paid) == pytest.approx(three)
    assert judged(score, accuracy, paid)[2:] == pytest.approx((0.8 - one, 0.8 - three))


def test_one_score_for_all_that_one_is_not_sure_of_raises_no_tau():
    accuracy = np.arange(9.0, 0, -1)
    score = np.where(accuracy == 9, 1.0, 0.0)
    assert weightedtau(score, accuracy).statistic == pytest.approx(0.659, abs=1e-3)
    assert weighted_tau(score, accuracy) == pytest.approx(0.659**2, abs=2e-3), "1 + chance"


def test_who_says_nothing_has_what_chance_has():
    accuracy = np.array([0.9, 0.5, 0.5, 0.1])
    tau, pearson, one, three = judged(np.full(4, np.nan), accuracy)
    assert (tau, pearson) == (0, 0)
    assert one == pytest.approx(0.9 - 0.5)
    assert three == pytest.approx(0.25 * 0.4)


def test_a_source_without_a_score_has_the_lowest_one_for_pearson():
    accuracy = np.array([0.9, 0.5, 0.4, 0.1])
    known = judged(np.array([3.0, 2.0, 1.0, np.nan]), accuracy)[1]
    assert known == pytest.approx(np.corrcoef([3, 2, 1, 1], accuracy)[0, 1])
