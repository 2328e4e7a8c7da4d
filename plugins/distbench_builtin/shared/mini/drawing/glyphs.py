"""Written signs: a path of three strokes and a mark, on a 3x3 grid of places."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .bits import Bits, ByteArray, FloatArray, IntArray
from .family import Attributes, Family, Row
from .raster import Canvas, capsule, clouds, ellipse, flag, pose, soft
from .scene import expose

# North-west to south-east, in reading order.
PLACES = ("nw", "n", "ne", "w", "c", "e", "sw", "s", "se")
ATTRIBUTES = {
    "first": PLACES,
    "second": PLACES,
    "third": PLACES,
    "fourth": PLACES,
    "mark": ("dot", "ring", "bar"),
    "spot": PLACES,
}
_PATH = ("first", "second", "third", "fourth")


def _place(name: str) -> tuple[int, int]:
    index = PLACES.index(name)
    return index % 3, index // 3


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def allowed(row: Row) -> bool:
    """One way only to write every path, no straight joints, and the mark off the path."""
    path = [_place(row[name]) for name in _PATH]
    if len(set(path)) < len(path) or path[0] > path[-1]:
        return False
    if not _turn(*path[:3]) or not _turn(*path[1:]):
        return False
    spot = _place(row["spot"])
    for start, end in pairwise(path):
        inside = all(min(a, b) <= s <= max(a, b) for a, b, s in zip(start, end, spot, strict=True))
        if inside and not _turn(start, end, spot):
            return False
    return True


def _point(index: IntArray, bits: Bits) -> tuple[FloatArray, FloatArray]:
    """Shaky coordinates of a place."""
    x = (index % 3 - 1).reshape(-1, 1, 1) * 0.55 + bits.uniform(-0.07, 0.07)
    y = (index // 3 - 1).reshape(-1, 1, 1) * 0.55 + bits.uniform(-0.07, 0.07)
    return x, y


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw signs; pen, ink, paper and hand are nuisance."""
    paper = bits.uniform(150.0, 245.0, 3, 1, 1)
    ink = bits.uniform(10.0, 105.0, 3, 1, 1)
    swap = bits.coin(0.35, 1, 1, 1)
    paper, ink = np.where(swap, ink, paper), np.where(swap, paper, ink)
    stain = (clouds(bits, 4) - 0.5) * bits.uniform(10.0, 60.0)
    canvas = Canvas(paper + stain.reshape(-1, 1, 32, 32))

    u, v = pose(bits, turn=0.045, scale=(0.75, 1.15), shift=0.16, flip=False)
    # A slant and a bend of the whole sign, as handwriting has.
    u = u + v * bits.uniform(-0.2, 0.2)
    v = v + u * u * bits.uniform(-0.15, 0.15)
    pen = bits.uniform(0.055, 0.11)
    points = [_point(attributes[name], bits) for name in _PATH]
    lines = [capsule(u, v, start, end, pen) for start, end in pairwise(points)]
    strokes = np.minimum(np.minimum(lines[0], lines[1]), lines[2])

    x, y = _point(attributes["spot"], bits)
    disc = ellipse(u, v, (x, y), (0.16, 0.16))
    ring = np.abs(disc - 0.04) - pen * 0.8
    bar = capsule(u, v, (x - 0.2, y), (x + 0.2, y), pen)
    mark = attributes["mark"]
    signs = flag(mark, 0) * soft(disc) + flag(mark, 1) * soft(ring) + flag(mark, 2) * soft(bar)
    canvas.paint(np.maximum(soft(strokes), signs), ink)
    return expose(canvas, bits)


FAMILY = Family("glyph", ATTRIBUTES, draw, lead="mark", allowed=allowed)
