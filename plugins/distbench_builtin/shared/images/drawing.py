"""Which images of a class are taken for testing, where a data set has no test part."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Hashable, Sequence

from distbench import take_groups


def drawn(lots: Sequence[str], share: float) -> list[int]:
    """Draws a share of a class: the same on every machine and in every run, whatever its seed.

    Adding an image moves few others.

    Args:
        lots: A text for each image of the class, on whose hash alone it depends.
        share: Of the class; rounded, at least one image where there are two, and never all.

    Returns:
        Positions.
    """
    return by_hash(lots)[: _count(len(lots), share)]


def drawn_whole(
    classes: Sequence[Sequence[int]],
    lots: Sequence[str],
    share: float,
    groups: Sequence[Hashable],
    stay: Collection[Hashable] = (),
) -> set[int]:
    """As `drawn` for several classes, but what belongs together stays together.

    Where every image is a group of its own that is exactly what `drawn` gives.

    Args:
        classes: Positions of the images of each class.
        lots: By position.
        share: Of each class.
        groups: By position, what an image belongs to.
        stay: Groups that may not be taken, because other parts hold some of them.
    """
    if not stay and len(set(groups)) == len(groups):
        return {own[i] for own in classes for i in drawn([lots[p] for p in own], share)}
    orders = [[own[i] for i in by_hash([lots[p] for p in own])] for own in classes]
    wanted = [_count(len(own), share) for own in classes]
    return take_groups(orders, wanted, groups, [1] * len(classes), stay)


def _count(size: int, share: float) -> int:
    return min(max(1, math.floor(size * share + 0.5)), size - 1)


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
