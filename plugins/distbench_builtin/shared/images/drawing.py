"""Which images of a class are taken for testing, where a data set has no test part."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence


def drawn(lots: Sequence[str], share: float) -> list[int]:
    """Draws a share of a class: the same on every machine and in every run, whatever its seed.

    Adding an image moves few others.

    Args:
        lots: A text for each image of the class, on whose hash alone it depends.
        share: Of the class; rounded, at least one image where there are two, and never all.

    Returns:
        Positions.
    """
    count = min(max(1, math.floor(len(lots) * share + 0.5)), len(lots) - 1)
    return by_hash(lots)[:count]


def by_hash(lots: Sequence[str]) -> list[int]:
    """Positions in the order of the texts' hashes."""
    hashes = [hashlib.sha256(lot.encode()).digest() for lot in lots]
    return sorted(range(len(lots)), key=hashes.__getitem__)


def note(taken: int, whole: int, share: float, fixed_by: str) -> str:
    """What a reader of results should know of a test part that was drawn."""
    return (
        f"test part made by distbench: {taken} of {whole} images, about {share:g} of each class, "
        f"fixed by {fixed_by}"
    )
