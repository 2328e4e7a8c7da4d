"""Places among methods: average ranks, wins, confidence sets for ranks, adjusted p values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench.leaderboard.statistics.estimates import DECIMALS, LEVEL


def average_ranks(table: ArrayLike) -> NDArray[np.float64]:
    """Mean over groups of tasks of each method's rank there; 1 is best, ties share their mean rank.

    Args:
        table: (m, g) values of m methods on g groups, higher is better.

    Returns:
        (m,), each in [1, m].
    """
    values = np.round(np.asarray(table, dtype=np.float64), DECIMALS)
    ranks = np.empty_like(values)
    for task, column in enumerate(values.T):
        rising = np.sort(column)
        below, upto = (np.searchsorted(rising, column, side) for side in ("left", "right"))
        # m - upto are better; the others of its value, itself among them, share their mean.
        ranks[:, task] = column.size - upto + (upto - below + 1) / 2
    return np.asarray(ranks.mean(axis=1))


def win_rates(ours: Sequence[ArrayLike], theirs: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Share of the seeds of each task on which we win, a draw counting half.

    Args:
        ours: T arrays (n_t,), paired by seed with `theirs`.
        theirs: T arrays (n_t,).

    Returns:
        (T,), each in [0, 1]; 0.5 against oneself.
    """
    shares = []
    for a, b in zip(ours, theirs, strict=True):
        gap = np.round(np.asarray(a, dtype=np.float64) - np.asarray(b), DECIMALS)
        shares.append(np.mean((np.sign(gap) + 1) / 2))
    return np.array(shares)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P values adjusted for their number by Holm's step-down procedure (Holm, 1979).

    Args:
        p_values: (m,), in any order; m may be 0. NaN where there is none: the comparison was
            made, so that the others are corrected for it too.

    Returns:
        (m,), in the order given: ``max over j <= i of (m - j) p_(j)``, at most 1; NaN stays.
    """
    given = np.asarray(p_values, dtype=np.float64)
    p = np.where(np.isnan(given), 1.0, given)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return np.where(np.isnan(given), np.nan, adjusted)


def surely_ahead(gaps: ArrayLike, p_values: ArrayLike) -> NDArray[np.int8]:
    """Which methods are better or worse than a method for certain.

    "For certain" is Holm's step-down over the m - 1 comparisons of that one method at 5 % in all.

    Args:
        gaps: (m, m), how much better the method of a row is than that of a column.
        p_values: (m, m), two-sided p value of each; NaN where nothing can be told. The diagonal
            is not looked at.

    Returns:
        (m, m) by the tests of the row's method: 1 where it is ahead of the column's, -1 where it
        is behind, 0 where nothing is certain.
    """
    gap, p = np.asarray(gaps, dtype=np.float64), np.asarray(p_values, dtype=np.float64)
    count = len(gap)
    ahead = np.zeros((count, count), dtype=np.int8)
    for row in range(count):
        others = np.arange(count) != row
        sure = holm(p[row, others]) <= 1 - LEVEL  # NaN is never sure
        ahead[row, others] = np.where(sure, np.sign(gap[row, others]), 0)
    return ahead


def rank_sets(ahead: ArrayLike) -> list[tuple[int, int]]:
    """Marginal confidence sets for ranks, after Mogstad, Romano, Shaikh and Wilhelm (2024).

    Of m methods, one whose differences to the others are tested has its rank between 1 + (methods
    that are better for certain) and m - (methods that are worse for certain). So each set
    holds the true rank of its method with probability 95 % or more; the sets of several methods
    are not all right together that often.

    Chosen by simulation (tests/leaderboard/test_simulation.py): with paired t tests over 4 to 8
    groups and 3 to 10 methods the sets hold every rank that ties allow in 92 to 99 %, normal,
    uneven and skewed noise alike, and in a ladder of ten methods with steps of one standard
    deviation they are 2.6 places wide. Bonferroni's single step gives 3.4 places, and resampling
    by sign flips 2.6 with eight groups, 4.2 with six, and with five nothing at all.

    Args:
        ahead: (m, m), as `surely_ahead` gives it.

    Returns:
        For each method the first and the last rank of its set, counted from 1.
    """
    sure = np.asarray(ahead)
    better, worse = (sure < 0).sum(axis=1).tolist(), (sure > 0).sum(axis=1).tolist()
    return [(1 + b, len(sure) - w) for b, w in zip(better, worse, strict=True)]
