"""Hand-computed values and the coverage that the intervals claim."""

from __future__ import annotations

import numpy as np
import pytest

from distbench.leaderboard.statistics import (
    accuracy_interval,
    average_ranks,
    holm,
    mean_interval,
    mean_over_groups,
    over_groups,
    p_values,
    paired_difference,
    paired_t,
    rank_sets,
    sampling_error,
    sign_flip,
    surely_ahead,
    win_rates,
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


def over(tasks, groups=None):
    """The mean over tasks of their means over seeds."""
    return mean_over_groups(
        [mean_interval(t) for t in tasks], groups or list(map(str, range(9)))[: len(tasks)]
    )


def test_mean_of_equally_noisy_tasks_has_the_pooled_degrees():
    tasks = [np.array([-0.1, 0.0, 0.1]) + level for level in np.linspace(0, 0.7, 8)]
    got = over(tasks)
    assert got.mean == pytest.approx(0.35)
    assert got.df == pytest.approx(16)
    assert got.half == pytest.approx(T16 * (8 * 0.01 / 3) ** 0.5 / 8)


def test_mean_with_one_noisy_task_has_its_degrees():
    got = over([[0.5, 0.5, 0.5], [0.1, 0.2, 0.3]])
    assert got.df == pytest.approx(2)
    assert got.half == pytest.approx(T2 * (0.01 / 3) ** 0.5 / 2)


def test_mean_of_one_task_is_that_of_its_seeds():
    values = [0.31, 0.37, 0.44, 0.4]
    assert over([values]) == mean_interval(values)


def test_mean_weighs_groups_not_tasks_and_not_seeds():
    assert over([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0]]).mean == 0.5
    assert over([[0.0, 0.2], [0.2, 0.4], [1.0, 1.0]], ["a", "a", "b"]).mean == pytest.approx(0.6)


def test_errors_inside_a_group_do_not_average_out():
    tasks = [[0.4, 0.6], [0.3, 0.7]]
    together, apart = over(tasks, ["a", "a"]), over(tasks)
    assert together.error == pytest.approx((0.1 + 0.2) / 2)
    assert apart.error == pytest.approx((0.1**2 + 0.2**2) ** 0.5 / 2)


def test_mean_needs_two_seeds_everywhere():
    assert over([[0.1, 0.2], [0.3]]).half is None
    assert over([[0.25, 0.25], [0.75, 0.75]]).half == 0


@pytest.mark.parametrize(
    ("spread", "lowest", "highest"),
    [([1.0] * 8, 0.94, 0.98), ([0.3, 0.3, 0.5, 0.5, 1, 1, 2, 2], 0.93, 0.98)],
)
def test_mean_over_tasks_covers_what_it_claims(spread, lowest, highest):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1500):
        got = over(rng.normal(size=(8, 3)) * np.array(spread)[:, None])
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
        assert (got.low, got.high, got.half, got.df, got.p, got.p_flip) == (None,) * 6


def test_paired_t_takes_rounding_for_nothing():
    got = paired_t([0.3 - 0.2 - 0.1, 0.0, 0.1 + 0.2 - 0.3])
    assert (got.mean, got.half, got.p) == (0.0, None, None)


def test_paired_t_of_differences_by_one_image_of_many_has_both():
    got = paired_t([0.25, 0.25 + 1 / 100_000])
    assert got.half > 0 and 0 < got.p < 0.01


def test_holm_counts_comparisons_without_a_p_value():
    assert holm([0.02, np.nan, 0.01]) == pytest.approx([0.04, np.nan, 0.03], nan_ok=True)
    assert np.isnan(holm([np.nan, np.nan])).all()


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


def test_win_rates_count_draws_half():
    ours, theirs = [[0.2, 0.3], [0.5, 0.5, 0.5, 0.5]], [[0.1, 0.4], [0.5, 0.4, 0.4, 0.4]]
    assert win_rates(ours, theirs) == pytest.approx([0.5, 3.5 / 4])
    assert win_rates(ours, ours) == pytest.approx([0.5, 0.5])


def test_p_values_are_those_of_paired_t():
    rng = np.random.default_rng(4)
    table = rng.normal(size=(6, 5))
    table[2] = 0.25
    expected = [paired_t(row).p for row in table]
    assert expected[2] is None
    assert p_values(table) == pytest.approx(
        [np.nan if p is None else p for p in expected], nan_ok=True
    )


def test_sign_flip_by_hand():
    assert sign_flip([1.0, 2.0, 3.0]) == pytest.approx(2 / 8)  # only all + and all - reach 6
    assert sign_flip([1.0, -2.0, 3.0]) == pytest.approx(6 / 8)  # |sums| 6 6 2 2 4 4 0 0, seen 2
    assert sign_flip([0.1] * 3 + [-0.1]) == pytest.approx(10 / 16)
    rng = np.random.default_rng(0)
    assert sign_flip(rng.normal(size=40) + 3) < 0.001
    assert sign_flip(rng.normal(size=40)) > 0.05


def test_groups_average_their_tasks():
    table = over_groups([[1.0, 3.0, 5.0], [0.0, 0.0, 1.0]], ["x", "x", "y"])
    assert table.tolist() == [[2.0, 5.0], [0.0, 1.0]]


def test_rank_sets_by_hand():
    gaps = np.array([[0, 1, 3], [-1, 0, 2], [-3, -2, 0]])
    p = np.array([[1, 0.3, 0.001], [0.3, 1, 0.04], [0.001, 0.04, 1]])
    # The last one: 2 x 0.001 and 0.04 are sure both; the middle one's 2 x 0.04 is not.
    assert rank_sets(surely_ahead(gaps, p)) == [(1, 2), (1, 3), (3, 3)]
    assert rank_sets(surely_ahead(gaps, np.full((3, 3), np.nan))) == [(1, 3)] * 3
    assert rank_sets(surely_ahead([[0.0]], [[np.nan]])) == [(1, 1)]


def test_the_interval_of_an_accuracy_is_wilsons_for_one_seed():
    hits = np.array([[True] * 90 + [False] * 10])
    got = accuracy_interval(hits)
    z = 1.9842  # t with 99 degrees of freedom
    centre = (0.9 + z * z / 200) / (1 + z * z / 100)
    assert got.mean == 0.9
    assert (got.low + got.high) / 2 == pytest.approx(centre, abs=2e-4)
    perfect = accuracy_interval(np.ones((3, 50), dtype=bool))
    assert perfect.mean == 1 and 0.9 < perfect.low < 1
    assert perfect.high == pytest.approx(1)


def test_three_seeds_on_the_same_images_know_little_more_than_one():
    rng = np.random.default_rng(0)
    hits = np.repeat(rng.random((1, 150)) < 0.8, 3, axis=0)
    assert accuracy_interval(hits).half == pytest.approx(accuracy_interval(hits[:1]).half, rel=0.01)


def test_a_difference_with_one_seed_is_mcnemars():
    ours = np.array([[True] * 80 + [False] * 20])
    theirs = np.array([[True] * 60 + [False] * 30 + [True] * 10])
    got = paired_difference(ours, theirs)  # 20 images for us, 10 against
    assert got.mean == pytest.approx(0.1)
    assert got.p == pytest.approx(0.0987371, abs=1e-6)  # scipy.stats.binomtest(10, 30)
    assert got.low < 0 < got.high
    same = paired_difference(ours, ours)
    assert (same.mean, same.low, same.p) == (0.0, None, None)


def test_a_difference_over_seeds_holds_both_kinds_of_noise():
    rng = np.random.default_rng(1)
    images = rng.random((4, 200)) < 0.7
    worse = images & (rng.random((4, 200)) < 0.9)
    got = paired_difference(images, worse)
    assert got.mean == pytest.approx(float(images.mean() - worse.mean()))
    assert got.p < 1e-4
    assert paired_difference(worse, images).p == pytest.approx(got.p)


def test_differences_by_one_image_of_few_prove_nothing():
    gaps, images = [1 / 11, 1 / 13, 1 / 15], [11, 13, 15]
    assert paired_t(gaps).p < 0.01
    least = float(sampling_error(gaps, images, ["a", "b", "c"]))
    assert paired_t(gaps, least).p > 0.2
    assert p_values([gaps], [least])[0] == pytest.approx(paired_t(gaps, least).p)
    many = float(sampling_error([0.1, 0.12, 0.14], [1000] * 3, ["a", "b", "c"]))
    assert many == pytest.approx((0.101**2 + 0.1219**2 + 0.1412**2) ** 0.5 / 3 * 0.095, rel=0.2)
    assert paired_t([0.1, 0.12, 0.14], many) == paired_t([0.1, 0.12, 0.14])
