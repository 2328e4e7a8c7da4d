"""Whether an exported student says what the original says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.errors import RefusedError

TOLERANCE = 1e-3
"""Largest difference of two logits, as a share of the largest logit (or of 1, if that is more)."""


_FEWEST = 0.5
"""Share of images that get the same class, below which a form that is not exact is broken."""


@dataclass(frozen=True)
class Agreement:
    """How far an export and its original agree.

    Attributes:
        images: On how many images.
        difference: Largest difference of two logits.
        allowed: Up to which an export is kept; None for one that is not exact.
        equal: Share of images that get the same class.
    """

    images: int
    difference: float
    allowed: float | None
    equal: float

    def __str__(self) -> str:
        allowed = "" if self.allowed is None else f" (allowed: {self.allowed:.2g})"
        return (
            f"on {self.images} images of the task its logits differ from the original's by at most "
            f"{self.difference:.2g}{allowed}; {100 * self.equal:.4g} % get the same class"
        )


def compare(
    original: NDArray[np.floating],
    exported: NDArray[np.floating],
    what: str,
    *,
    exact: bool = True,
) -> Agreement:
    """Compares logits (n, c).

    Args:
        original: Of the student.
        exported: Of what was written.
        what: Names it.
        exact: Whether it should say the same; else most images need the same class.

    Raises:
        RefusedError: They differ by more than `TOLERANCE`, or more than rounding explains.
    """
    if original.shape != exported.shape:
        raise RefusedError(
            f"{what} gives outputs of shape {exported.shape}, the original {original.shape}; "
            "nothing was written"
        )
    difference = float(np.abs(original - exported).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(original).max())) if exact else None
    equal = float(np.mean(original.argmax(1) == exported.argmax(1)))
    check = Agreement(len(original), difference, allowed, equal)
    if allowed is not None and not difference <= allowed:
        raise RefusedError(f"{what} is not the student: {check}. Nothing was written")
    if not exact and (not np.isfinite(difference) or equal < _FEWEST):
        raise RefusedError(
            f"{what} loses too much by its fewer bits: {check}. Nothing was written; use --to onnx"
        )
    return check
