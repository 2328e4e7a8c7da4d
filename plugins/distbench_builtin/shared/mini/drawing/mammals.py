"""Faces of dogs and cats."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray, FloatArray, IntArray
from .family import Attributes, Family, Row
from .palette import solid, tinted
from .raster import capsule, clouds, ellipse, flag, pick, pose, soft, wave
from .scene import expose, scatter, scenery

FUR = ("black", "white", "grey", "brown", "ginger", "cream", "slate", "mahogany")
ATTRIBUTES = {
    "species": ("dog", "cat"),
    "coat": FUR,
    "marking": ("plain", "striped", "blazed", "spotted", "patched"),
    "second": ("none", *FUR),
    "ears": ("pointed", "round", "floppy"),
    "length": ("short", "long"),
    "muzzle": ("narrow", "broad"),
    "fur": ("smooth", "curly"),
    "face": ("slim", "wide"),
}
_ALIKE = ({"white", "cream"}, {"grey", "slate"}, {"brown", "mahogany"})
_DARK, _TONGUE, _PALE = solid((26, 22, 24)), solid((226, 110, 130)), solid((236, 232, 222))
_CAT_EYE = solid((170, 206, 70))


def allowed(row: Row) -> bool:
    """Any marking must show, and no cat has floppy ears."""
    if (row["marking"] == "plain") != (row["second"] == "none"):
        return False
    if row["second"] == row["coat"] or {row["second"], row["coat"]} in _ALIKE:
        return False
    return row["species"] == "dog" or row["ears"] != "floppy"


def _ear(u: FloatArray, v: FloatArray, kind: IntArray, length: FloatArray) -> FloatArray:
    """Distance to one ear in coordinates centred at its root and pointing outwards."""
    pointed = capsule(u, v, (0.0, 0.1), (0.1, -0.42 * length), 0.2, taper=0.18)
    rounded = ellipse(u, v, (0.08, -0.12 * length), (0.17, 0.2 * length))
    floppy = ellipse(u, v, (0.2, 0.26 * length), (0.13, 0.34 * length))
    tall = kind.reshape(-1, 1, 1)
    return np.where(tall == 0, pointed, np.where(tall == 1, rounded, floppy))


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw faces with shoulders; the head's tilt, the tongue and the gaze are nuisance."""
    canvas = scenery(bits)
    if clutter:
        scatter(canvas, bits, 3, rim=False)
    u, v = pose(bits, turn=0.07, scale=(0.8, 1.25), shift=0.14)
    v = v - 0.08
    coat = tinted(FUR, attributes["coat"], bits)
    second = tinted(("black", *FUR), attributes["second"], bits)
    cat = flag(attributes["species"], 1)
    marking = attributes["marking"]

    canvas.paint(soft(ellipse(u, v, (0.0, 0.95), (0.62, 0.62))), coat * 0.85)
    width = pick((0.4, 0.54), attributes["face"])
    across = np.abs(u)
    length = pick((0.8, 1.35), attributes["length"])
    ear = _ear(across - width * 0.72, v + 0.32, attributes["ears"], length)
    # Stripes are for the face; every other marking takes the ears along.
    dark_ears = flag(marking, 2, 4).reshape(-1, 1, 1, 1)
    canvas.paint(soft(ear), (coat + (second - coat) * dark_ears) * 0.82)

    ripple = wave(u * 4.2 + 0.3) * wave(v * 4.2)
    curly = flag(attributes["fur"], 1)
    skull = ellipse(u, v, (0.0, 0.0), (width, 0.46)) + curly * ripple * 0.09
    face = soft(skull)
    canvas.paint(face, coat)

    stripes = soft(0.05 - wave(v * 2.9 + across * 0.9 + 0.2), 0.5) * flag(marking, 1)
    blaze = soft(across - 0.13 - 0.1 * np.maximum(v, 0.0)) * flag(marking, 2)
    spots = soft(0.38 + wave(u * 2.5 + 0.37) * wave(v * 2.5 + 0.12), 0.3) * flag(marking, 3)
    patch = soft(ellipse(u, v, (0.2, -0.1), (0.25, 0.27))) * flag(marking, 4)
    canvas.paint(face * np.maximum(np.maximum(stripes, blaze), np.maximum(spots, patch)), second)
    # Curls are a fine light-and-dark pattern on all of the fur.
    curls = curly * (clouds(bits, 13) - 0.5) * 90.0 * face
    canvas.pixels += curls.reshape(-1, 1, *curls.shape[1:])

    wide = pick((0.15, 0.27), attributes["muzzle"]) * (1.0 - 0.2 * cat)
    snout = ellipse(u, v, (0.0, 0.24), (wide, pick((0.2, 0.19), attributes["muzzle"])))
    canvas.paint(soft(snout), coat * 0.6 + _PALE * 0.4)
    tongue = ellipse(u, v, (0.02, 0.42), (0.08, 0.13))
    canvas.paint(soft(tongue) * (1.0 - cat) * bits.coin(0.5), _TONGUE)
    nose = ellipse(u, v, (0.0, 0.15), (0.12 - 0.05 * cat, 0.08 - 0.03 * cat))
    canvas.paint(soft(nose), _DARK + cat.reshape(-1, 1, 1, 1) * (_TONGUE - _DARK))
    whisker = np.minimum(
        capsule(across, v, (0.16, 0.24), (0.8, 0.14), 0.012),
        capsule(across, v, (0.16, 0.28), (0.78, 0.36), 0.012),
    )
    canvas.paint(soft(whisker) * cat, _PALE)

    gaze = bits.uniform(-0.03, 0.03)
    eye = ellipse(across, v, (width * 0.45, -0.1), (0.11, 0.1))
    rim = cat.reshape(-1, 1, 1, 1)
    canvas.paint(soft(eye), _PALE + rim * (_CAT_EYE - _PALE))
    pupil = ellipse(np.abs(u - gaze), v, (width * 0.45, -0.1), (0.075 - 0.04 * cat, 0.08))
    canvas.paint(soft(pupil), _DARK)
    if clutter:
        scatter(canvas, bits, 1, rim=True)
    return expose(canvas, bits)


FAMILY = Family("mammal", ATTRIBUTES, draw, lead="coat", allowed=allowed, prefix="")
