"""Things: silhouettes with a texture, a hole and parts."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray, FloatArray, IntArray
from .family import Attributes, Family
from .palette import solid, tinted
from .raster import box, capsule, cosine, ellipse, flag, pick, pose, sine, soft, wave
from .scene import expose, scatter, scenery

PAINTS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "white")


# The polygons come first.
SHAPES = ("triangle", "square", "hexagon", "disc", "star", "flower", "gear", "cross", "crescent")
ATTRIBUTES = {
    "shape": SHAPES,
    "aspect": ("even", "wide", "tall"),
    "hole": ("none", "round", "slot"),
    "texture": ("plain", "striped", "chequered", "dotted"),
    "parts": ("none", "wheels", "legs", "horns"),
    "paint": PAINTS,
}
_SIDES = np.array((3, 4, 6), dtype=np.int64)
_POLYGONS = len(_SIDES)
_DARK = solid((28, 26, 30))
_FAITHFUL = 0.6  # chance that a thing has the colour of its class


def _polygon(u: FloatArray, v: FloatArray, sides: IntArray) -> FloatArray:
    """Distance to regular polygons resting on a side."""
    count = sides.reshape(-1, 1, 1)
    reach = np.full(u.shape, -10.0)
    for side in range(6):
        # Images with fewer sides meet some of their own sides again, which changes nothing.
        turns = 0.25 + (side % count) / count
        reach = np.maximum(reach, cosine(turns) * u + sine(turns) * v)
    return reach


def _outline(u: FloatArray, v: FloatArray, shape: IntArray) -> FloatArray:
    """Distance to the silhouette of each image."""
    polygon = _polygon(u, v, _SIDES[np.minimum(shape, _POLYGONS - 1)])
    polygon = polygon - pick((0.36, 0.46, 0.5), np.minimum(shape, _POLYGONS - 1))

    radius = np.sqrt(u * u + v * v) + 1e-6
    cos1, sin1 = -v / radius, u / radius
    cos2, sin2 = cos1 * cos1 - sin1 * sin1, 2.0 * sin1 * cos1
    cos4, sin4 = cos2 * cos2 - sin2 * sin2, 2.0 * sin2 * cos2
    cos5 = cos4 * cos1 - sin4 * sin1
    cos6 = cos4 * cos2 - sin4 * sin2
    cos8 = cos4 * cos4 - sin4 * sin4
    lobes = shape.reshape(-1, 1, 1)
    star = radius - (0.4 + 0.19 * cos5 + 0.05 * cos5 * cos5)
    flower = radius - (0.46 - 0.15 * np.abs(cos6) * 2.0 + 0.15)
    teeth = np.minimum(np.maximum(cos8 * 3.0, -1.0), 1.0)
    gear = radius - (0.48 + 0.08 * teeth)
    cross = np.minimum(box(u, v, (0, 0), (0.56, 0.18)), box(u, v, (0, 0), (0.18, 0.56)))
    moon = np.maximum(radius - 0.56, 0.44 - np.sqrt((u - 0.26) * (u - 0.26) + v * v))
    round_ = np.where(lobes == 3, radius - 0.52, np.where(lobes == 4, star, flower))
    other = np.where(lobes == 6, gear, np.where(lobes == 7, cross, moon))
    return np.where(lobes < _POLYGONS, polygon, np.where(lobes < 6, round_, other))


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw things; the colour is only partly that of the class."""
    canvas = scenery(bits)
    if clutter:
        scatter(canvas, bits, 5, rim=False)
    u, v = pose(bits, turn=0.07, shift=0.16)
    stray = bits.choice(len(PAINTS))
    faithful = bits.coin(_FAITHFUL).reshape(-1)
    colour = tinted(PAINTS, np.where(faithful, attributes["paint"], stray), bits)

    aspect = attributes["aspect"]
    a = u / pick((1.0, 1.25, 0.75), aspect)
    b = v / pick((1.0, 0.7, 1.3), aspect)
    parts = attributes["parts"]
    foot = pick((0.48, 0.34, 0.62), aspect)
    across = np.abs(u)
    wheel = ellipse(across, v, (0.34, foot), (0.18, 0.18))
    leg = capsule(across, v, (0.2, foot - 0.2), (0.3, foot + 0.32), 0.06)
    horn = capsule(across, v, (0.14, -foot + 0.2), (0.36, -foot - 0.3), 0.06)
    canvas.paint(soft(leg) * flag(parts, 2), _DARK)
    canvas.paint(soft(horn) * flag(parts, 3), _DARK)

    inside = soft(_outline(a, b, attributes["shape"]))
    canvas.paint(inside, colour)
    texture = attributes["texture"]
    phase = bits.uniform(0.0, 1.0)
    stripes = soft(-wave(u * 1.6 + v * 1.6 + phase), 0.5) * flag(texture, 1)
    checks = soft(-wave(u * 1.9 + phase) * wave(v * 1.9), 0.3) * flag(texture, 2)
    row = wave(u * 2.6 + phase) * wave(v * 2.6)
    dots = soft(0.4 - row, 0.3) * flag(texture, 3)
    canvas.paint(inside * (stripes + checks + dots), colour * 0.3)

    hole = attributes["hole"]
    gap = soft(ellipse(u, v, (0.0, 0.0), (0.17, 0.17))) * flag(hole, 1)
    slot = soft(box(u, v, (0.0, 0.0), (0.3, 0.085))) * flag(hole, 2)
    canvas.paint(gap + slot, bits.uniform(190.0, 250.0, 3, 1, 1))
    canvas.paint(soft(wheel) * flag(parts, 1), _DARK)
    hub = soft(wheel + 0.11) * flag(parts, 1)
    canvas.paint(hub, solid((200, 200, 200)))
    if clutter:
        scatter(canvas, bits, 2, rim=True)
    return expose(canvas, bits)


FAMILY = Family(
    "object", ATTRIBUTES, draw, lead="shape", silent=frozenset({"even", "plain", "none"})
)
