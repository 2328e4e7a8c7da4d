"""Simulated leaderboards whose truth is known: do intervals, tests and ranks keep their word?"""

from __future__ import annotations

import numpy as np
import pytest

from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.statistics import (
    accuracy_interval,
    holm,
    mean_interval,
    over_groups,
    p_values,
    paired_difference,
    paired_t,
    rank_sets,
    surely_ahead,
)

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


def drawn(noise, rng, shape):
    """Values without any true difference between methods."""
    if noise == "uneven":
        return rng.normal(size=shape) * np.linspace(0.3, 3, shape[1])[:, None]
    if noise == "skewed":  # large gains on few tasks, the same for all
        return np.exp(rng.normal(size=shape))
    return rng.normal(size=shape)


def sets_of(values):
    gaps = values[:, None] - values[None]  # (m, m, g)
    p = np.array([p_values(row) for row in gaps])
    return rank_sets(surely_ahead(gaps.mean(axis=2), p))


@pytest.mark.parametrize("noise", ["normal", "uneven", "skewed"])
@pytest.mark.parametrize("methods", [2, 10])
def test_rank_sets_hold_every_rank_that_ties_allow(noise, methods):
    """The hardest case: all are as good, so that each set has to hold all ranks."""
    rng = np.random.default_rng(methods)
    sets = [sets_of(v) for v in drawn(noise, rng, (400, methods, TASKS))]
    held = np.mean([[s == (1, methods) for s in board] for board in sets])
    assert held >= 0.93
    if noise == "normal":
        assert held <= 0.975


def test_rank_sets_hold_the_true_rank_and_are_narrow_where_steps_are_clear():
    rng = np.random.default_rng(5)
    level = np.arange(10, dtype=float)[::-1]
    held, width = [], []
    for _ in range(200):
        sets = sets_of(rng.normal(size=(10, TASKS)) + level[:, None] + 5 * rng.normal(size=TASKS))
        held += [low <= i + 1 <= high for i, (low, high) in enumerate(sets)]
        width += [high - low + 1 for low, high in sets]
    assert np.mean(held) >= 0.95
    assert np.mean(width) < 3


@pytest.mark.parametrize("noise", ["normal", "uneven", "skewed"])
def test_tests_of_one_difference_err_as_often_as_they_say(noise):
    """Both kinds, where groups are independent; where noise has long tails t errs less often."""
    rng = np.random.default_rng(3)
    gaps = drawn(noise, rng, (2000, 2, TASKS))
    tests = [paired_t(a - b) for a, b in gaps]
    flip = np.mean([t.p_flip <= 0.05 for t in tests])
    t = np.mean([t.p <= 0.05 for t in tests])
    assert 0.035 <= flip <= 0.065
    assert (0.035 if noise != "skewed" else 0.01) <= t <= 0.065


def test_budgets_of_one_data_set_are_one_unit():
    """Fourteen tasks of four data sets, correlated inside: by tasks 20 to 30 %, by groups 5."""
    sizes = [3, 4, 3, 4]
    groups = [f"g{i}" for i, n in enumerate(sizes) for _ in range(n)]
    rng = np.random.default_rng(0)
    gaps = np.hstack(
        [0.9 * rng.normal(size=(2000, 1)) + 0.45 * rng.normal(size=(2000, n)) for n in sizes]
    )
    assert np.mean(p_values(gaps) <= 0.05) > 0.15
    assert 0.035 <= np.mean(p_values(over_groups(gaps, groups)) <= 0.05) <= 0.065


def hits_of(rng, seeds, images, level=0.6, hardness=1.5, luck=0.1, shared=None):
    """Which images are right: some are hard for all, seeds are lucky or not."""
    hard = rng.normal(0, hardness, (1, images)) if shared is None else shared
    chance = level + hard + rng.normal(0, luck, (seeds, 1))
    return rng.random((seeds, images)) < 1 / (1 + np.exp(-chance))


@pytest.mark.parametrize(("seeds", "images"), [(1, 150), (3, 150), (5, 600)])
def test_intervals_of_one_task_cover_the_accuracy_on_other_images(seeds, images):
    rng = np.random.default_rng(seeds)
    truth = hits_of(np.random.default_rng(0), 2000, 2000).mean()
    cover = size = 0
    for _ in range(600):
        got = accuracy_interval(hits_of(rng, seeds, images))
        cover += got.low <= truth <= got.high
        hard = rng.normal(0, 1.5, (1, images))
        pair = [
            hits_of(rng, seeds, images, shared=hard + rng.normal(0, 0.7, (1, images)))
            for _ in range(2)
        ]
        p = paired_difference(*pair).p
        size += p is not None and p <= 0.05
    assert 0.925 <= cover / 600 <= 0.985
    assert size / 600 <= 0.07


def test_seeds_alone_say_too_little_of_other_images():
    rng = np.random.default_rng(7)
    truth = hits_of(np.random.default_rng(0), 2000, 2000, hardness=6).mean()
    drawn_hits = [hits_of(rng, 3, 150, hardness=6) for _ in range(400)]
    for interval, low, high in ((mean_interval, 0.0, 0.8), (accuracy_interval, 0.93, 0.985)):
        made = [interval(h.mean(axis=1) if interval is mean_interval else h) for h in drawn_hits]
        assert low <= np.mean([x.low <= truth <= x.high for x in made]) <= high


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
