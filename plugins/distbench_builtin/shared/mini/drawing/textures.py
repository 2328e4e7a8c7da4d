"""Surfaces that fill the picture, in any two colours."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray, FloatArray
from .family import Attributes, Family, Row
from .raster import Canvas, X, Y, clouds, flag, pick, rotate, soft, wave
from .scene import expose

ATTRIBUTES = {
    "kind": ("grating", "plaid", "cells", "veins", "dots", "bricks"),
    "frequency": ("coarse", "medium", "fine", "dense"),
    "angle": ("level", "rising", "upright", "falling"),
    "distortion": ("straight", "wavy", "crumpled"),
    "weight": ("thin", "bold"),
}
_POINTS = 6  # side of the repeating patch of cell centres
_NEIGHBOURS = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1))


def allowed(row: Row) -> bool:
    """Plaids and dots look the same after a quarter turn."""
    return row["kind"] not in ("plaid", "dots") or row["angle"] in ("level", "rising")


def _cells(a: FloatArray, b: FloatArray, bits: Bits) -> tuple[FloatArray, FloatArray]:
    """Distances to the nearest and the second nearest of jittered lattice points."""
    jitter = bits.uniform(0.1, 0.9, 2, _POINTS * _POINTS)
    image = np.arange(bits.images).reshape(-1, 1, 1)
    home_a, home_b = np.floor(a), np.floor(b)
    nearest = np.full(a.shape, 9.0)
    second = np.full(a.shape, 9.0)
    for step_a, step_b in _NEIGHBOURS:
        cell_a, cell_b = home_a + step_a, home_b + step_b
        wrap_a = (cell_a - _POINTS * np.floor(cell_a / _POINTS)).astype(np.int64)
        wrap_b = (cell_b - _POINTS * np.floor(cell_b / _POINTS)).astype(np.int64)
        point = wrap_b * _POINTS + wrap_a
        off_a = cell_a + jitter[image, 0, point] - a
        off_b = cell_b + jitter[image, 1, point] - b
        distance = off_a * off_a + off_b * off_b
        second = np.minimum(second, np.maximum(distance, nearest))
        nearest = np.minimum(nearest, distance)
    return np.sqrt(nearest), np.sqrt(second)


def _level(kind: int, a: FloatArray, b: FloatArray, bold: FloatArray, bits: Bits) -> FloatArray:
    """Share of the second colour at every point, for one kind of texture.

    Args:
        kind: Index of the kind.
        a: Coordinate across the texture, in units of its pitch.
        b: Coordinate along the texture, in the same units.
        bold: 1.0 where the second colour takes the larger share, else 0.0.
        bits: Where the randomness of cells comes from.
    """
    if kind == 0:
        return soft(0.5 - bold - wave(a), 0.8)
    if kind == 1:
        limit = 0.5 - bold
        return 0.5 * soft(limit - wave(a), 0.5) + 0.5 * soft(limit - wave(b), 0.5)
    if kind == 4:
        near_a, near_b = a - np.floor(a) - 0.5, b - np.floor(b) - 0.5
        return soft(np.sqrt(near_a * near_a + near_b * near_b) - 0.24 - 0.18 * bold, 0.2)
    if kind == 5:
        # Every other course of bricks is shifted by half a brick.
        course = np.floor(a)
        shift = course - 2.0 * np.floor(course / 2.0)
        across = b * 0.5 + shift * 0.5
        joint_a = 0.5 - np.abs(a - course - 0.5)
        joint_b = 1.0 - 2.0 * np.abs(across - np.floor(across) - 0.5)
        return soft(np.minimum(joint_a, joint_b) - 0.1 - 0.1 * bold, 0.12)
    # Cells and veins are stretched along the angle, else it could not be seen.
    nearest, second = _cells(a, b * 0.5, bits)
    if kind == 2:
        return soft(nearest - 0.28 - 0.2 * bold, 0.25)
    return soft(second - nearest - 0.1 - 0.16 * bold, 0.15)


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw surfaces; colours, phase and small changes of angle and pitch are nuisance."""
    first = bits.uniform(20.0, 235.0, 3, 1, 1)
    second = bits.uniform(20.0, 235.0, 3, 1, 1)
    # Two colours of the same lightness would hide the pattern: push them apart.
    gap = np.where(bits.coin(0.5), 55.0, -55.0).reshape(-1, 1, 1, 1)
    canvas = Canvas(first * 0.75 + 32.0 + gap)
    second = second * 0.75 + 32.0 - gap

    distortion = attributes["distortion"]
    swing = pick((0.0, 0.16, 0.0), distortion)
    crumple = pick((0.0, 0.0, 0.5), distortion)
    turns = pick((0.25, 0.125, 0.0, 0.375), attributes["angle"]) + bits.uniform(-0.025, 0.025)
    a, b = rotate(X, Y, turns)
    a = a + swing * wave(b * bits.uniform(0.8, 1.1) + bits.uniform(0.0, 1.0))
    a = a + crumple * (clouds(bits, 4) - 0.5)
    b = b + crumple * (clouds(bits, 4) - 0.5)
    pitch = pick((1.25, 1.85, 2.7, 4.0), attributes["frequency"]) * bits.uniform(0.88, 1.12)
    a, b = a * pitch + bits.uniform(0.0, 6.0), b * pitch + bits.uniform(0.0, 6.0)
    bold = flag(attributes["weight"], 1)
    level = np.empty((bits.images, 32, 32))
    seed = int(bits.words()[0])
    for kind in range(len(ATTRIBUTES["kind"])):
        chosen = np.flatnonzero(attributes["kind"] == kind)
        if chosen.size:
            # Kinds differ too much in cost to compute all of them for every image.
            part = Bits(int(chosen.size), seed, kind)
            level[chosen] = _level(kind, a[chosen], b[chosen], bold[chosen], part)
    canvas.paint(level, second)
    return expose(canvas, bits)


FAMILY = Family(
    "texture", ATTRIBUTES, draw, lead="kind", allowed=allowed, silent=frozenset({"straight"})
)
