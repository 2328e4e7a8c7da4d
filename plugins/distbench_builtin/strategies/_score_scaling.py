"""What strategies have in common that weigh by scores: the scale they put these on, and shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench import Context, SourceInfo, Strategy

Vector = NDArray[np.float64]
Sources = Sequence[SourceInfo]

_RESOLUTION = 1e-9


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


def minmax(scores: ArrayLike) -> Vector:
    """Scores mapped linearly to 0 (worst) .. 1 (best); all 1 where there is nothing to tell apart.

    Scores that differ by less than a billionth of their size are equal but for round-off.
    Metrics differ in scale and sign, so only what this mapping keeps may decide the weights.

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
