"""Chest radiographs with one finding."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray
from .family import Attributes, Family
from .raster import Canvas, capsule, clouds, ellipse, flag, pick, pose, soft, wave
from .scene import expose

ATTRIBUTES = {
    "finding": ("nodule", "cloud", "cavity", "band", "net", "collapse"),
    "side": ("left", "right", "both"),
    "zone": ("upper", "middle", "lower"),
    "extent": ("small", "large"),
    "heart": ("plain", "enlarged"),
}


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw radiographs; body size, exposure, ribs and the exact place are nuisance."""
    u, v = pose(bits, turn=0.02, scale=(0.85, 1.12), shift=0.1, flip=False)
    left, right = u < 0.0, u >= 0.0
    across = np.abs(u)

    wide = bits.uniform(0.24, 0.31)
    tall = bits.uniform(0.58, 0.68)
    # Lungs narrow towards the top.
    lung = ellipse(across + 0.1 * np.minimum(v, 0.0), v, (0.42, 0.0), (wide, tall))
    field = soft(lung, 0.16)
    level = 168.0 + 30.0 * (clouds(bits, 4) - 0.5)
    level = level + 30.0 * soft(ellipse(u, v, (0.0, 0.0), (0.11, 1.4)), 0.2)
    dark = bits.uniform(92.0, 116.0)
    level = level - dark * field
    ribs = wave(v * bits.uniform(2.3, 2.9) - across * 0.5 + bits.uniform(0.0, 1.0))
    level = level + field * soft(0.35 - ribs, 0.8) * bits.uniform(12.0, 26.0)
    level = level + 24.0 * soft(capsule(across, v, (0.1, -0.62), (0.85, -0.72), 0.05), 0.1)

    size = pick((0.18, 0.29), attributes["heart"])
    heart = ellipse(u, v, (0.08 + size * 0.25, 0.42), (size, 0.16 + size * 0.5))
    level = level + (198.0 - level) * 0.9 * soft(heart, 0.12)

    zone = attributes["zone"]
    x = 0.45 + bits.uniform(-0.05, 0.05)
    y = pick((-0.36, 0.0, 0.36), zone) + bits.uniform(-0.06, 0.06)
    reach = pick((0.13, 0.24), attributes["extent"]) * bits.uniform(0.9, 1.1)
    disc = ellipse(across, v, (x, y), (reach, reach))
    ragged = disc + (clouds(bits, 8) - 0.5) * 0.3
    net = np.maximum(wave(u * 3.4 + v * 3.4), wave(u * 3.4 - v * 3.4))
    finding = attributes["finding"]
    tilt = bits.uniform(-0.1, 0.1)
    ends = (x - reach * 1.3, y + tilt), (x + reach * 1.3, y - tilt)
    bright = (
        soft(disc, 0.1) * flag(finding, 0)
        + soft(ragged - 0.04, 0.24) * flag(finding, 1)
        + soft(np.abs(disc) - 0.045, 0.08) * flag(finding, 2)
        + soft(capsule(across, v, *ends, 0.07), 0.08) * flag(finding, 3)
        + soft(disc - 0.06, 0.2) * soft(0.3 - net, 0.5) * flag(finding, 4)
    )
    side = attributes["side"]
    shown = np.where(left, flag(side, 0, 2), 0.0) + np.where(right, flag(side, 1, 2), 0.0)
    strength = shown * bits.uniform(0.8, 1.0)
    level = level + (246.0 - level) * bright * strength
    # Air outside the lung: a black rim without ribs at the outer wall.
    air = soft(ellipse(across, v, (x + 0.16, y), (reach * 0.75, reach * 1.4)), 0.1)
    air = air * soft(lung - 0.03, 0.1) * flag(finding, 5)
    level = level + (6.0 - level) * air * shown
    canvas = Canvas(level.reshape(-1, 1, 32, 32))
    return expose(canvas, bits, noise=(10.0, 16.0), light=0.2, slope=0.15, haze=0.4, grey=True)


FAMILY = Family("chest", ATTRIBUTES, draw, lead="finding")
