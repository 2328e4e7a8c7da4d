"""How well scores of sources tell what the sources led to: pure functions on numpy arrays.

What a score does not order is ordered by chance, and the measures are the exact expectations over
that: equal scores are taken in random order, sources without a score after all that have one, also
in random order. So a metric gains nothing by keeping silent, on some sources or on all of a task:
without any score tau is 0 and the regret that of a uniformly random choice.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

MEASURED = ("tau", "pearson", "regret_1", "regret_3")
TOP = (1, 3)
"""Of how many best-scored sources the regrets are."""

Floats = NDArray[np.float64]


def judged(score: Floats, accuracy: Floats, paid: Floats | None = None) -> tuple[float, ...]:
    """Weighted tau, Pearson, top-1 and top-3 regret of the scores of some sources.

    Args:
        score: (n,); NaN where a source has none.
        accuracy: (n,), 0..1: what each source is worth.
        paid: (n,), what choosing a source gives; `accuracy` if None. Where `accuracy` does not
            hold the noise of `paid`, a regret does not either, and may be negative.

    Returns:
        In the order of `MEASURED`. For Pearson a source without a score has the lowest one.
    """
    paid = accuracy if paid is None else paid
    best = float(paid[accuracy.argmax()])
    regrets = (best - expected_best(score, k, accuracy, paid) for k in TOP)
    return weighted_tau(score, accuracy), _pearson(score, accuracy), *regrets


def all_equal(values: Floats) -> bool:
    """Whether all values are the same but for round-off; NaN are not looked at."""
    known = values[~np.isnan(values)]
    return not known.size or bool(np.ptp(known) <= 1e-12 * np.abs(known).max())


def weighted_tau(score: Floats, accuracy: Floats) -> float:
    """Vigna's (2015) weighted Kendall tau with hyperbolic weights, expected over random ties.

    A swap of the sources at places r and s (from 0) weighs ``1/(r+1) + 1/(s+1)``; tau is the mean
    of ranking the places by score and by accuracy. Without ties it is `scipy.stats.weightedtau`.
    That one takes pairs of equal score out of the total, by which a metric gains that gives one
    score to all it is not sure of; here they count 0 in it, as they do on average in random order.
    Pairs of equal accuracy have no right order and are taken out in part, as there.

    Args:
        score: (n,); NaN comes last.
        accuracy: (n,), finite.

    Returns:
        A number in [-1, 1]; 0 where all scores or all sources led to the same.
    """
    filled = _filled(score)
    agree = np.triu(_signs(filled) * _signs(accuracy), 1)
    ordered = np.triu(_signs(accuracy) != 0, 1)
    taus = []
    for places in (filled, accuracy):
        each = _place_weights(places)
        pair = np.triu(each[:, None] + each, 1)
        total = float(np.sqrt(pair.sum() * pair[ordered].sum()))
        taus.append(float((pair * agree).sum()) / total if total else 0.0)
    return sum(taus) / len(taus)


def expected_best(score: Floats, count: int, accuracy: Floats, paid: Floats) -> float:
    """What the best of the `count` sources with the highest scores pays, expected over ties.

    Args:
        score: (n,); NaN comes last.
        count: 1..n; more are n.
        accuracy: (n,), tells which of the chosen is the best.
        paid: (n,), what that one gives.
    """
    order = np.argsort(-accuracy, kind="stable")  # the best first
    filled, paid = _filled(score)[order], paid[order]
    count = min(count, filled.size)
    last = np.sort(filled)[-count]
    surely = np.flatnonzero(filled > last)
    drawn = np.flatnonzero(filled == last)
    few = count - surely.size
    bound = int(surely[0]) if surely.size else filled.size
    expected, reached = 0.0, 0.0
    # The i-th best of the tied sources is the best of `few` drawn ones if all others are worse.
    for i, place in enumerate(drawn[drawn < bound]):
        chance = comb(drawn.size - 1 - i, few - 1) / comb(drawn.size, few)
        expected, reached = expected + chance * float(paid[place]), reached + chance
    return expected + (1 - reached) * float(paid[bound]) if bound < filled.size else expected


def _pearson(score: Floats, accuracy: Floats) -> float:
    """Pearson's correlation; 0 where the scores or the accuracies are all equal."""
    if all_equal(score) or all_equal(accuracy):
        return 0.0
    lowest = np.where(np.isnan(score), np.nanmin(score), score)
    return float(np.corrcoef(lowest, accuracy)[0, 1])


def _filled(score: Floats) -> Floats:
    """The scores with those that are not there below all others, as (n,) dense places."""
    known = np.unique(score[~np.isnan(score)])
    return np.where(np.isnan(score), -1.0, np.searchsorted(known, score).astype(np.float64))


def _signs(values: Floats) -> Floats:
    return np.sign(values[:, None] - values)


def _place_weights(values: Floats) -> Floats:
    """(n,) ``1/(r+1)`` of the place r of each value, the highest at 0; ties share their mean."""
    _, block, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    sums = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, values.size + 1))])
    return np.asarray(((sums[ends] - sums[ends - sizes]) / sizes)[block])
