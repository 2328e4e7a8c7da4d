"""Hand-computed values and the coverage that the intervals claim."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from distbench.leaderboard.statistics import (
    average_ranks,
    fixed_task_interval,
    holm,
    mean_interval,
    paired_t,
    tie_groups,
    win_rate,
)

T2, T16 = 4.302652729911275, 2.1199052992210112  # 97.5 % points of t with 2 and 16 degrees


def test_mean_interval_of_three_seeds():
    got = mean_interval([0.1, 0.2, 0.3])
    assert got.mean == pytest.approx(0.2)
    assert got.half == pytest.approx(T2 * 0.1 / 3**0.5)
    assert got.df == 2


def test_mean_interval_of_one_seed_is_none():
    got = mean_interval([0.4])
    assert (got.mean, got.low, got.high, got.half, got.df) == (0.4, None, None, None, None)


def test_mean_interval_of_equal_values_has_no_width():
    got = mean_interval([0.1, 0.1, 0.1])
    assert got.low == got.high == got.mean
    assert got.half == 0


def test_fixed_task_interval_of_equally_noisy_tasks_has_the_pooled_degrees():
    tasks = [np.array([-0.1, 0.0, 0.1]) + level for level in np.linspace(0, 0.7, 8)]
    got = fixed_task_interval(tasks)
    assert got.mean == pytest.approx(0.35)
    assert got.df == pytest.approx(16)
    assert got.half == pytest.approx(T16 * (8 * 0.01 / 3) ** 0.5 / 8)


def test_fixed_task_interval_of_one_noisy_task_has_its_degrees():
    got = fixed_task_interval([[0.5, 0.5, 0.5], [0.1, 0.2, 0.3]])
    assert got.df == pytest.approx(2)
    assert got.half == pytest.approx(T2 * (0.01 / 3) ** 0.5 / 2)


def test_fixed_task_interval_of_one_task_is_that_of_its_seeds():
    values = [0.31, 0.37, 0.44, 0.4]
    got, seeds = fixed_task_interval([values]), mean_interval(values)
    assert (got.mean, got.low, got.high) == pytest.approx((seeds.mean, seeds.low, seeds.high))


def test_fixed_task_interval_weighs_tasks_not_seeds():
    assert fixed_task_interval([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0]]).mean == 0.5


def test_fixed_task_interval_needs_two_seeds_everywhere():
    assert fixed_task_interval([[0.1, 0.2], [0.3]]).half is None
    assert fixed_task_interval([[0.25, 0.25], [0.75, 0.75]]).half == 0


@pytest.mark.parametrize(
    ("spread", "lowest", "highest"),
    [([1.0] * 8, 0.94, 0.98), ([0.3, 0.3, 0.5, 0.5, 1, 1, 2, 2], 0.93, 0.98)],
)
def test_fixed_task_interval_covers_what_it_claims(spread, lowest, highest):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1500):
        got = fixed_task_interval(rng.normal(size=(8, 3)) * np.array(spread)[:, None])
        hits += got.low <= 0 <= got.high
    assert lowest < hits / 1500 < highest


def test_paired_t_covers_what_it_claims():
    rng = np.random.default_rng(1)
    tests = [paired_t(rng.normal(size=8)) for _ in range(1500)]
    assert 0.935 < np.mean([t.low <= 0 <= t.high for t in tests]) < 0.965
    assert 0.035 < np.mean([t.p < 0.05 for t in tests]) < 0.065


def test_paired_t_by_hand_and_by_scipy():
    from scipy.stats import ttest_rel

    got = paired_t([0.01, 0.02, 0.03])
    assert got.mean == pytest.approx(0.02)
    assert got.half == pytest.approx(T2 * 0.01 / 3**0.5)
    assert got.p == pytest.approx(0.0741799)
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 8))
    ours, theirs = paired_t(a - b), ttest_rel(a, b)
    interval = theirs.confidence_interval()
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("gap", [0.0, 0.25, -0.25, 1 / 3])
@pytest.mark.parametrize("noise", [0.0, 1e-16, 1e-12])
def test_paired_t_of_equal_differences_has_neither_interval_nor_p(gap, noise):
    """Equal but for how floats are added up, too: relative 1e-12."""
    for turn in ([1, -1, 1, -1], [1, 0, 0, 0], [0.5, -0.5, 1, 1]):
        got = paired_t(gap * (1 + noise * np.array(turn)))
        assert got.mean == pytest.approx(gap, rel=1e-11, abs=1e-15)
        assert (got.low, got.high, got.half, got.df, got.p) == (None,) * 5


def test_paired_t_takes_rounding_for_nothing():
    got = paired_t([0.3 - 0.2 - 0.1, 0.0, 0.1 + 0.2 - 0.3])
    assert (got.mean, got.half, got.p) == (0.0, None, None)


def test_paired_t_of_differences_by_one_image_of_many_has_both():
    got = paired_t([0.25, 0.25 + 1 / 100_000])
    assert got.half > 0 and 0 < got.p < 0.01


def test_holm_counts_comparisons_without_a_p_value():
    assert holm([0.02, np.nan, 0.01]) == pytest.approx([0.04, np.nan, 0.03], nan_ok=True)
    assert np.isnan(holm([np.nan, np.nan])).all()


def test_methods_with_the_same_gap_on_all_tasks_are_not_told_apart():
    table = np.array([[0.6, 0.7], [0.5, 0.6], [0.3, 0.4]])
    assert tie_groups(table) == [(1, 3)] * 3
    assert tie_groups(table + np.array([[0, 1e-13], [0, 0], [1e-13, 0]])) == [(1, 3)] * 3
    assert tie_groups(np.array([[0.6], [0.5]])) == [(1, 1), (2, 2)], "one task: by value"


def test_paired_t_of_one_task_has_no_interval():
    got = paired_t([0.1])
    assert (got.mean, got.low, got.high, got.p) == (0.1, None, None, None)


def test_holm_by_hand():
    # Sorted 0.01 0.02 0.03 0.04, times 4 3 2 1: 0.04 0.06 0.06 0.04; never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.03]) == pytest.approx([0.03])
    assert holm([]).size == 0


def test_average_ranks_share_ties():
    table = [[0.9, 0.5], [0.7, 0.5], [0.7, 0.1]]
    assert average_ranks(table) == pytest.approx([(1 + 1.5) / 2, (2.5 + 1.5) / 2, (2.5 + 3) / 2])
    assert average_ranks([[0.4, 0.6]]) == pytest.approx([1.0])


def test_win_rate_weighs_tasks_and_counts_draws_half():
    ours, theirs = [[0.2, 0.3], [0.5, 0.5, 0.5, 0.5]], [[0.1, 0.4], [0.5, 0.4, 0.4, 0.4]]
    assert win_rate(ours, theirs) == pytest.approx((0.5 + 3.5 / 4) / 2)
    assert win_rate(ours, ours) == 0.5


def test_tie_groups_follow_the_best_of_each_group():
    noise = np.array([0.01, -0.01, 0.02, -0.02])
    a = np.full(4, 0.9)
    table = np.stack([a, a - 0.01 + noise, a - 0.3, a - 0.31 + noise, a - 0.6])
    table[2] += noise / 10
    table[4] += noise[::-1] / 10
    assert tie_groups(table) == [(1, 2), (1, 2), (3, 4), (3, 4), (5, 5)]


def test_tie_groups_include_who_lies_between():
    a = np.full(4, 0.9)
    shaky = a - 0.1 + np.array([0.2, -0.2, 0.2, -0.2])
    assert tie_groups(np.stack([a, a - 0.05, shaky])) == [(1, 3)] * 3


def test_tie_groups_of_one_task_or_one_method():
    assert tie_groups([[0.9], [0.8], [0.8], [0.1]]) == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert tie_groups([[0.9, 0.1]]) == [(1, 1)]


def test_importing_the_leaderboard_leaves_scipy_and_torch_alone():
    code = (
        "import sys, distbench.leaderboard; "
        "print(sorted({'scipy', 'torch', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
