"""Birds seen from the side."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray
from .family import Attributes, Family, Row
from .palette import solid, tinted
from .raster import capsule, ellipse, flag, pick, pose, rotate, soft, wave
from .scene import expose, scatter, scenery

PLUMAGE = ("black", "white", "red", "orange", "yellow", "green", "blue", "brown")
ATTRIBUTES = {
    "body": PLUMAGE,
    "wing": PLUMAGE,
    "head": PLUMAGE,
    "belly": ("plain", "pale", "streaked"),
    "bar": ("plain", "barred", "chequered"),
    "beak": ("stubby", "longbill", "hookbill"),
    "tail": ("shorttail", "longtail", "forktail"),
    "crest": ("plain", "crested"),
    "build": ("slender", "plump"),
}
_DARK, _PALE, _BEAK = solid((24, 22, 26)), solid((240, 234, 216)), solid((214, 156, 60))


def allowed(row: Row) -> bool:
    """The wing must show on the body."""
    return row["wing"] != row["body"]


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw birds; the wing's angle, the head's height and the legs are nuisance."""
    canvas = scenery(bits)
    if clutter:
        scatter(canvas, bits, 3, rim=False)
    u, v = pose(bits, turn=0.07, shift=0.14)
    body = tinted(PLUMAGE, attributes["body"], bits)
    wing = tinted(PLUMAGE, attributes["wing"], bits)
    head = tinted(PLUMAGE, attributes["head"], bits)

    for foot in (-0.06, 0.12):
        step = bits.uniform(-0.08, 0.08)
        canvas.paint(soft(capsule(u, v, (foot, 0.3), (foot + step, 0.72), 0.03)), _DARK)

    tail = attributes["tail"]
    reach = pick((-0.66, -0.98, -0.9), tail)
    fork = flag(tail, 2) * 0.2
    upper = capsule(u, v, (-0.3, 0.1), (reach, -0.02 - fork), 0.11, taper=0.03)
    lower = capsule(u, v, (-0.3, 0.1), (reach, -0.02 + fork), 0.11, taper=0.03)
    canvas.paint(soft(np.minimum(upper, lower)), wing)

    depth = pick((0.24, 0.37), attributes["build"])
    trunk = ellipse(u, v, (0.0, 0.1), (0.5, depth))
    canvas.paint(soft(trunk), body)
    belly = soft(np.maximum(trunk, 0.16 - v + 0.1 * u))
    canvas.paint(belly * flag(attributes["belly"], 1), _PALE)
    streaks = soft(0.1 - wave(u * 4.6), 0.5) * flag(attributes["belly"], 2)
    canvas.paint(belly * flag(attributes["belly"], 2), _PALE)
    canvas.paint(belly * streaks, _DARK)

    rise = bits.uniform(-0.36, -0.26)
    crest = attributes["crest"]
    plume = capsule(u, v, (0.4, rise - 0.1), (0.16, rise - 0.4), 0.1, taper=0.06)
    canvas.paint(soft(plume) * flag(crest, 1), head)
    canvas.paint(soft(capsule(u, v, (0.28, 0.02), (0.42, rise), 0.17)), head)
    canvas.paint(soft(ellipse(u, v, (0.43, rise), (0.23, 0.22))), head)
    beak = attributes["beak"]
    tip = (pick((0.78, 1.08, 0.8), beak), rise + pick((0.04, 0.06, 0.24), beak))
    bill = capsule(u, v, (0.6, rise + 0.03), tip, pick((0.1, 0.06, 0.11), beak), taper=0.05)
    canvas.paint(soft(bill), _BEAK)
    canvas.paint(soft(ellipse(u, v, (0.47, rise - 0.04), (0.09, 0.09))), _PALE)
    canvas.paint(soft(ellipse(u, v, (0.48, rise - 0.04), (0.055, 0.055))), _DARK)

    a, b = rotate(u + 0.06, v - 0.03, bits.uniform(-0.04, 0.09))
    fold = ellipse(a, b, (-0.06, 0.0), (0.34, 0.17))
    cover = soft(fold)
    canvas.paint(cover, wing)
    bar = attributes["bar"]
    stripes = soft(0.1 - wave(a * 3.6), 0.6)
    checks = soft(-wave(a * 3.4) * wave(b * 3.6 + 0.1), 0.5)
    # Bars must show on white wings too.
    mark = np.where((attributes["wing"] == 1).reshape(-1, 1, 1, 1), _DARK, _PALE)
    canvas.paint(cover * (stripes * flag(bar, 1) + checks * flag(bar, 2)), mark)
    if clutter:
        scatter(canvas, bits, 1, rim=True)
    return expose(canvas, bits)


FAMILY = Family("bird", ATTRIBUTES, draw, lead="body", allowed=allowed)
