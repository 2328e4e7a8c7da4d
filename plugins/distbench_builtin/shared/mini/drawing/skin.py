"""Skin lesions seen through a lens."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray
from .family import Attributes, Family
from .palette import solid
from .raster import Canvas, capsule, clouds, ellipse, flag, pick, pose, soft, wave
from .scene import expose

ATTRIBUTES = {
    "pattern": ("plain", "netted", "dotted", "streaked", "clouded"),
    "colour": ("brown", "black", "red", "pink", "blue"),
    "border": ("sharp", "blurred", "ragged"),
    "form": ("round", "oval", "notched"),
    "centre": ("none", "pale", "crusted"),
}
_TONES = np.array(
    [(122, 74, 44), (48, 36, 40), (176, 44, 48), (216, 112, 128), (84, 96, 138)],
    dtype=np.float64,
)
_SKIN = solid((222, 176, 150))


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw lesions; skin tone, hairs, place, size and rotation are nuisance."""
    tone = bits.uniform(0.72, 1.08, 1, 1, 1) * (1.0 + bits.uniform(-0.06, 0.06, 3, 1, 1))
    grain = (clouds(bits, 5) - 0.5) * 26.0 + (clouds(bits, 13) - 0.5) * 18.0
    canvas = Canvas(_SKIN * tone + grain.reshape(-1, 1, 32, 32))
    u, v = pose(bits, turn=0.5, scale=(0.75, 1.15), shift=0.2)

    form = attributes["form"]
    a = u / pick((0.52, 0.68, 0.56), form)
    b = v / pick((0.52, 0.36, 0.56), form)
    radius = np.sqrt(a * a + b * b) + 1e-6
    cos1, sin1 = a / radius, b / radius
    cos2, sin2 = cos1 * cos1 - sin1 * sin1, 2.0 * sin1 * cos1
    cos3 = cos2 * cos1 - sin2 * sin1
    sin3 = sin2 * cos1 + cos2 * sin1
    cos7 = (cos3 * cos3 - sin3 * sin3) * cos1 - 2.0 * sin3 * cos3 * sin1
    edge = radius - 1.0 + (clouds(bits, 6) - 0.5) * 0.3
    notch = 0.52 - np.sqrt((a - 0.95) * (a - 0.95) + b * b)
    edge = np.where(flag(form, 2) > 0, np.maximum(edge, notch), edge)
    edge = edge + flag(attributes["border"], 2) * cos7 * 0.28
    border = attributes["border"]
    lesion = np.where(flag(border, 1) > 0, soft(edge, 1.1), soft(edge, 0.2))

    jitter = bits.uniform(-14.0, 14.0, 3, 1, 1)
    colour = _TONES[attributes["colour"]].reshape(-1, 3, 1, 1) * (0.5 + 0.5 * tone) + jitter
    pattern = attributes["pattern"]
    # Textured lesions have a lighter ground, on which the pattern stands out.
    ground = colour + (_SKIN * tone - colour) * pick((0.0, 0.5, 0.5, 0.5, 0.0), pattern).reshape(
        -1, 1, 1, 1
    )
    canvas.paint(lesion * 0.92, ground)
    net = np.maximum(wave(u * 2.5 + v * 2.5), wave(u * 2.5 - v * 2.5))
    dots = wave(u * 2.7 + 0.2) * wave(v * 2.7)
    marks = (
        soft(0.35 - net, 0.5) * flag(pattern, 1)
        + soft(0.3 - dots, 0.4) * flag(pattern, 2)
        + soft(0.1 - (cos3 * cos3 - sin3 * sin3), 0.7) * flag(pattern, 3)
    )
    canvas.paint(lesion * marks, colour * 0.7)
    half = soft(a * 0.7 + b * 0.7 + (clouds(bits, 4) - 0.5) * 0.8, 0.5) * flag(pattern, 4)
    canvas.paint(lesion * half, colour * 0.35 + solid((60, 66, 96)) * 0.3)

    centre = attributes["centre"]
    middle = soft(ellipse(u, v, (0.0, 0.0), (0.2, 0.2)), 0.14)
    canvas.paint(middle * flag(centre, 1), solid((244, 226, 212)))
    crust = middle * soft(0.4 - clouds(bits, 13), 0.3)
    canvas.paint(middle * flag(centre, 2) * 0.8, solid((206, 160, 60)))
    canvas.paint(crust * flag(centre, 2), solid((86, 40, 20)))

    for _ in range(2):
        x, y = bits.uniform(-1.0, 1.0), bits.uniform(-1.0, 1.0)
        hair = capsule(*pose(bits, turn=0.5), (x, -1.6), (y, 1.6), 0.02)
        canvas.paint(soft(hair) * 0.8 * bits.coin(0.3), solid((46, 34, 30)))
    return expose(canvas, bits, tint=0.14)


FAMILY = Family("lesion", ATTRIBUTES, draw, lead="pattern")
