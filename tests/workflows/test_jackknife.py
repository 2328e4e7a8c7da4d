"""Intervals of measures that are no share of images: blocks of images, left out one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from distbench.errors import Declined
from distbench.interfaces.measure import Measure
from distbench.leaderboard.statistics import block_interval, paired_block_difference
from distbench.workflows.judging import value_of


class Quick(Measure):
    """AUROC of the second of two classes, by ranks; ours."""

    needs = frozenset({"probabilities"})

    def value(self, labels: Any, predictions: Any, probabilities: Any) -> float:
        positive = labels == 1
        if positive.all() or not positive.any():
            raise Declined("one class is missing")
        ranks = rankdata(probabilities[:, 1])[positive].sum()
        n1, n0 = positive.sum(), (~positive).sum()
        return float((ranks - n1 * (n1 + 1) / 2) / (n1 * n0))


class Mean(Measure):
    """Share that is right, without saying which: accuracy; ours."""

    def value(self, labels: Any, predictions: Any, probabilities: Any) -> float:
        return float((labels == predictions).mean())


def blocks(measure: Measure, labels: Any, scores: Any) -> Any:
    p = np.clip(1 / (1 + np.exp(-scores)), 1e-6, 1 - 1e-6)
    both = np.log(np.stack([1 - p, p], axis=1))
    return value_of(measure, labels, (p > 0.5).astype(np.int64), both)


def test_of_a_mean_the_pseudo_values_are_the_means_of_the_blocks() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    judged = blocks(Mean(), labels, rng.normal(size=200) + labels)
    assert len(judged.blocks) == 20
    assert np.mean(judged.blocks) == pytest.approx(judged.value)
    # Twenty blocks of ten images: each is a whole number of tenths.
    tenths = 10 * np.array(judged.blocks)
    assert tenths == pytest.approx(tenths.round(), abs=1e-6)


def test_blocks_are_the_same_whatever_was_answered() -> None:
    labels = np.arange(120) % 2
    one = np.where(np.arange(120) == 7, -9.0, 9.0 * (2 * labels - 1))
    other = np.where(np.arange(120) == 7, -9.0, 5.0 * (2 * labels - 1))
    odd = [np.argmin(blocks(Mean(), labels, scores).blocks) for scores in (one, other)]
    assert odd[0] == odd[1]


def test_there_are_none_where_a_class_would_be_missing_or_images_are_few() -> None:
    rare = np.zeros(100, np.int64)
    rare[3] = 1
    assert blocks(Quick(), rare, np.arange(100.0)).blocks == ()
    few = np.arange(30) % 2
    assert blocks(Quick(), few, np.arange(30.0)).blocks == ()


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_cover_and_tests_keep_their_level(seeds: int) -> None:
    rng, n, draws = np.random.default_rng(seeds), 150, 150
    labels = np.arange(n) % 2
    truth = norm.cdf(1 / np.sqrt(2 * (0.49 + 0.49)))
    covered = rejected = 0
    for _ in range(draws):
        image = 0.7 * rng.normal(size=n)
        ours, theirs = (
            np.array(
                [
                    blocks(Quick(), labels, labels + image + 0.7 * rng.normal(size=n)).blocks
                    for _ in range(seeds)
                ]
            )
            for _ in range(2)
        )
        whole = block_interval(ours)
        covered += whole.low <= truth <= whole.high  # type: ignore[operator]
        p = paired_block_difference(ours, theirs).p
        rejected += p is not None and p < 0.05
    assert 0.9 <= covered / draws <= 0.99  # 0.95, and what 150 draws leave open
    assert rejected / draws <= 0.1


def test_methods_that_answer_alike_have_no_p() -> None:
    labels = np.arange(100) % 2
    same = np.array([blocks(Quick(), labels, np.sin(np.arange(100.0)) + labels).blocks])
    difference = paired_block_difference(same, same)
    assert (difference.mean, difference.p, difference.low) == (0.0, None, None)
