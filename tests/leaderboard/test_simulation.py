"""Simulated leaderboards whose truth is known: do intervals, tests and ranks keep their word?"""

from __future__ import annotations

import numpy as np
import pytest

from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.statistics import holm, mean_interval, paired_t, tie_groups

TASKS, BOARDS = 8, 600
# Two standard errors of a share of 5 % over so many boards.
NOISE = 2 * (0.05 * 0.95 / BOARDS) ** 0.5


def test_intervals_of_three_seeds_cover_what_they_claim():
    rng = np.random.default_rng(10)
    found = [mean_interval(rng.normal(size=3)) for _ in range(2000)]
    assert np.mean([x.low <= 0 <= x.high for x in found]) == pytest.approx(0.95, abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize("methods", [2, 6, 20])
def test_holm_errs_in_at_most_one_board_of_twenty(methods):
    """All methods equal the baseline, which they are all compared with; tasks differ in level."""
    rng = np.random.default_rng(methods)
    wrong = 0
    for _ in range(BOARDS):
        values = rng.normal(size=(methods + 1, TASKS)) + 5 * rng.normal(size=TASKS)
        p = [paired_t(ours - values[0]).p for ours in values[1:]]
        wrong += bool((holm(p) <= 0.05).any())
    assert wrong / BOARDS <= 0.05 + NOISE


def test_holm_finds_what_is_there_and_errs_no_more_for_it():
    rng = np.random.default_rng(3)
    found, wrong = 0, 0
    for _ in range(BOARDS):
        values = rng.normal(size=(7, TASKS))
        values[1:4] += 4
        adjusted = holm([paired_t(ours - values[0]).p for ours in values[1:]])
        found += int((adjusted[:3] <= 0.05).sum())
        wrong += bool((adjusted[3:] <= 0.05).any())
    assert found / (3 * BOARDS) > 0.9
    assert wrong / BOARDS <= 0.05 + NOISE


@pytest.mark.parametrize("images", [10, 20])
def test_two_equal_methods_on_two_tasks_with_few_test_images_are_hardly_told_apart(images):
    """Their differences are equal on both tasks in a draw of ten or so, which proves nothing."""
    rng = np.random.default_rng(images)
    right = rng.binomial(images, 0.5, size=(2000, 2, 2)) / images  # draw, method, task
    p = [paired_t(draw[0] - draw[1]).p for draw in right]
    assert sum(value is None for value in p) > 50
    assert np.mean([value is not None and value < 0.05 for value in p]) <= 0.065


def groups(values):
    order = np.argsort(-values.mean(axis=1), kind="stable")
    places = tie_groups(values[order])
    return {int(method): place for method, place in zip(order, places, strict=True)}


@pytest.mark.parametrize("methods", [2, 3, 10, 40])
def test_the_truly_best_is_in_the_first_group(methods):
    """The hardest case: all are as good, and any one of them must hardly ever be called worse."""
    rng = np.random.default_rng(methods)
    missed = 0
    for _ in range(BOARDS):
        missed += groups(rng.normal(size=(methods, TASKS)))[0][0] > 1
    assert missed / BOARDS <= 0.05 + NOISE


def test_clear_steps_are_separated_and_near_ones_are_not():
    rng = np.random.default_rng(5)
    level = np.array([9.0, 9.0, 9.0, 0.0, 0.0, -9.0])
    right = near = 0
    for _ in range(200):
        found = groups(rng.normal(size=(6, TASKS)) + level[:, None])
        right += [found[i][0] for i in (3, 5)] == [4, 6] and found[0] == (1, 3)
        near += groups(rng.normal(size=(2, TASKS)) + np.array([[0.1], [0.0]]))[0] == (1, 2)
    assert right / 200 > 0.85
    assert near / 200 > 0.9


@pytest.mark.slow
def test_the_mean_of_a_board_covers_its_truth(make_rows):
    rng = np.random.default_rng(6)
    level = rng.uniform(0.3, 0.7, TASKS)
    hits = 0
    for _ in range(200):
        rows = make_rows(
            "m", {f"t{i}": list(level[i] + rng.normal(0, 0.01, 3)) for i in range(TASKS)}
        )
        mean = build_board(rows).lines[0].mean
        hits += mean.low <= level.mean() <= mean.high
    assert 0.91 <= hits / 200 <= 0.995
