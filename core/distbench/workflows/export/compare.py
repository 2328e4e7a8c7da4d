"""Whether an exported student says what the original says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.errors import RefusedError

TOLERANCE = 1e-3
"""Largest difference of two logits, as a share of the largest logit (or of 1, if that is more)."""


@dataclass(frozen=True)
class Agreement:
    """How far an export and its original agree.

    Attributes:
        images: On how many images.
        difference: Largest difference of two logits.
        allowed: Up to which an export is kept.
        equal: Share of images that get the same class.
    """

    images: int
    difference: float
    allowed: float
    equal: float

    def __str__(self) -> str:
        return (
            f"on {self.images} images of the task its logits differ from the original's by at most "
            f"{self.difference:.2g} (allowed: {self.allowed:.2g}); "
            f"{100 * self.equal:.4g} % get the same class"
        )


def compare(original: NDArray[np.floating], exported: NDArray[np.floating], what: str) -> Agreement:
    """Compares logits (n, c).

    Raises:
        RefusedError: They differ by more than `TOLERANCE`.
    """
    if original.shape != exported.shape:
        raise RefusedError(
            f"{what} gives outputs of shape {exported.shape}, the original {original.shape}; "
            "nothing was written"
        )
    difference = float(np.abs(original - exported).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(original).max()))
    equal = float(np.mean(original.argmax(1) == exported.argmax(1)))
    check = Agreement(len(original), difference, allowed, equal)
    if not difference <= allowed:
        raise RefusedError(f"{what} is not the student: {check}. Nothing was written")
    return check
