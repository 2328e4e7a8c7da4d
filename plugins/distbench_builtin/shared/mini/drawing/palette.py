"""Named colours and their jitter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .bits import Bits, FloatArray, IntArray

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "black": (30, 30, 36),
    "white": (238, 236, 230),
    "grey": (132, 134, 138),
    "red": (206, 40, 36),
    "orange": (236, 130, 30),
    "yellow": (236, 208, 46),
    "green": (56, 140, 56),
    "teal": (30, 160, 165),
    "blue": (44, 84, 196),
    "purple": (126, 62, 160),
    "brown": (116, 70, 38),
    "cream": (238, 212, 160),
    "ginger": (212, 118, 42),
    "slate": (74, 98, 150),
    "mahogany": (152, 38, 26),
}


def tinted(names: Sequence[str], index: IntArray, bits: Bits) -> FloatArray:
    """One colour per image from the named ones, jittered in hue and lightness.

    A channel changes by up to 18 of 255, all of them together by up to 14.

    Args:
        names: Names of the colours the index refers to.
        index: Index of the colour of each image.
        bits: Where the jitter comes from.

    Returns:
        Colours of shape ``(images, 3, 1, 1)``.
    """
    table = np.array([COLOURS[name] for name in names], dtype=np.float64)
    base = table[index].reshape(-1, 3, 1, 1)
    hue = bits.uniform(-18.0, 18.0, 3, 1, 1)
    return base + hue + bits.uniform(-14.0, 14.0, 1, 1, 1)


def solid(colour: Colour) -> FloatArray:
    """A fixed colour, shaped to be painted."""
    return np.array(colour, dtype=np.float64).reshape(1, 3, 1, 1)
