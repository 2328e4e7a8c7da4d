"""What strategies have in common that weigh by scores: the scale they put these on, and shares.

Metrics differ in scale, sign and shape, and none of that says how well they rank. Four scales, each
a pure function of the scores, 1 for all where there is nothing to tell apart:

========  =====================================  =================================================
minmax    share of the way from worst to best    nearest to the paper; one broken source flattens it
rank      share of places from below             of the order alone, whatever the metric's shape
zscore    normal CDF of (s - mean) / sd          smooth; a broken source still stretches sd
median    normal CDF of (s - median) / spread    smooth, and hardly moved by a broken source
========  =====================================  =================================================
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from distbench import Context, SourceInfo, Strategy

Vector = NDArray[np.float64]
Sources = Sequence[SourceInfo]
Normalise = Literal["minmax", "rank", "zscore", "median"]

_RESOLUTION = 1e-9
"""Scores that differ by less than this share of their size are equal but for round-off."""

_OF_MAD = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""
_OF_MEAN = math.sqrt(math.pi / 2)
"""The same in mean absolute deviations."""


def checked(scores: ArrayLike) -> Vector:
    """Scores as float64 (s,), s > 0.

    Raises:
        ValueError: They are of another shape, none at all, or not finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"scores must have shape (s,) with s > 0, got {values.shape}")
    broken = np.flatnonzero(~np.isfinite(values))
    if broken.size:
        where = ", ".join(f"{values[i]} at position {i}" for i in broken[:3])
        raise ValueError(f"scores must be finite, got {where}; leave such sources out")
    return values


def scaled(scores: ArrayLike, how: Normalise) -> Vector:
    """Scores on one of the four scales, (s,) in 0..1, higher for higher scores.

    Raises:
        ValueError: The scores are not finite or not of shape (s,).
    """
    return _SCALES[how](scores)


def minmax(scores: ArrayLike) -> Vector:
    """Scores mapped linearly to 0 (worst) .. 1 (best).

    Raises:
        ValueError: The scores are not finite or not of shape (s,).
    """
    # Halving is exact, and the span of two finite halves cannot overflow.
    halves = checked(scores) / 2
    span = halves.max() - halves.min()
    if span <= _RESOLUTION * np.abs(halves).max():
        return np.ones_like(halves)
    result: Vector = (halves - halves.min()) / span
    return result


def rank(scores: ArrayLike) -> Vector:
    """Places from below as shares: r / s for the r-th worst of s; equal scores share their mean.

    The worst keeps 1 / s, so that of two sources the better one does not get everything.

    Raises:
        ValueError: The scores are not finite or not of shape (s,).
    """
    values = checked(scores)
    order = np.argsort(values, kind="stable")
    halves = values[order] / 2
    # Round-off is of the size of the two that differ, or of most scores: not of a broken one's.
    sizes = np.maximum(np.abs(halves), np.median(np.abs(halves)))
    apart = np.diff(halves) > _RESOLUTION * np.maximum(sizes[1:], sizes[:-1])  # (s - 1,)
    if not apart.any():
        return np.ones_like(values)
    tie = np.concatenate([[0], np.cumsum(apart)])  # (s,), which group of equal scores
    places = np.arange(1, len(values) + 1)
    mean = np.bincount(tie, places) / np.bincount(tie)
    shares = np.empty_like(values)
    shares[order] = mean[tie] / len(values)
    return shares


def zscore(scores: ArrayLike) -> Vector:
    """The standard normal's distribution function at (s - mean) / sd.

    Raises:
        ValueError: The scores are not finite or not of shape (s,).
    """
    values = _in_reach(scores)
    behind = values - values.mean()
    return _normal(behind, math.sqrt(float(np.mean(behind**2))))


def median(scores: ArrayLike) -> Vector:
    """The standard normal's distribution function at (s - median) / (1.4826 MAD).

    MAD is the median absolute deviation around the median. Where more than half of the scores are
    equal it is 0, and the mean absolute deviation times sqrt(pi / 2) takes its place (Iglewicz and
    Hoaglin, "How to Detect and Handle Outliers", 1993).

    Raises:
        ValueError: The scores are not finite or not of shape (s,).
    """
    values = _in_reach(scores)
    behind = values - np.median(values)
    mad = float(np.median(np.abs(behind)))
    if mad > _RESOLUTION * float(np.median(np.abs(values))):
        return _normal(behind, _OF_MAD * mad)
    return _normal(behind, _OF_MEAN * float(np.mean(np.abs(behind))))


def _in_reach(scores: ArrayLike) -> Vector:
    """Scores divided by the largest of their sizes, so that no sum or square overflows."""
    values = checked(scores)
    largest = np.abs(values).max()
    return values / largest if largest else values.copy()


def _normal(behind: Vector, spread: float) -> Vector:
    """The normal distribution function; 1 for all where the spread is round-off of values to 1."""
    from scipy.special import ndtr

    if spread <= _RESOLUTION:
        return np.ones_like(behind)
    result: Vector = ndtr(behind / spread)
    return result


_SCALES = {"minmax": minmax, "rank": rank, "zscore": zscore, "median": median}


def choice_of_scale() -> Any:
    """The field by which a strategy's scale is chosen."""
    return Field(
        "rank",
        description="scale of the scores: rank (share of places), minmax (0 for the worst), "
        "zscore, or median (as zscore, around the median, which a broken source hardly moves)",
    )


def share(parts: Vector) -> Vector:
    """Parts >= 0, not all of them 0, as weights that sum to 1."""
    result: Vector = parts / parts.sum()
    return result


class ByScores(Strategy, ABC):
    """A strategy to which sources are nothing but their scores."""

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """The unscaled weights, divided by their sum.

        Raises:
            ValueError: There is no source, or the scores are not finite.
        """
        return share(self.unscaled(checked(scores)))

    @abstractmethod
    def unscaled(self, scores: Vector) -> Vector:
        """Weights (s,) >= 0, not all of them 0, of finite scores (s,); they need not sum to 1."""
