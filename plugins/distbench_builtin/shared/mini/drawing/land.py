"""Land cover seen from above."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray, FloatArray
from .family import Attributes, Family
from .palette import solid
from .raster import Canvas, X, Y, clouds, flag, pick, rotate, soft, wave
from .scene import expose

ATTRIBUTES = {
    "cover": ("fields", "forest", "road", "river", "houses", "rows", "orchard", "lake", "works"),
    "season": ("lush", "dry", "bare", "snowy", "dusky"),
    "grain": ("coarse", "medium", "fine"),
}


# Ground, second ground and plants of every season.
_PALETTES = np.array(
    [
        [(96, 142, 66), (150, 178, 84), (36, 84, 40)],
        [(196, 172, 96), (168, 128, 66), (120, 116, 52)],
        [(134, 92, 66), (104, 70, 54), (72, 78, 48)],
        [(224, 230, 234), (184, 194, 204), (92, 110, 104)],
        [(72, 78, 104), (94, 84, 124), (34, 46, 70)],
    ],
    dtype=np.float64,
)
_ASPHALT, _WATER = solid((188, 184, 180)), solid((38, 82, 136))
_ROOF, _STEEL = solid((186, 84, 62)), solid((232, 232, 236))


def _tiles(
    a: FloatArray, b: FloatArray, bits: Bits, side: int = 8
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Position within unit tiles, centred, and a random value for every tile."""
    values = bits.uniform(0.0, 1.0, side * side)
    low_a, low_b = np.floor(a), np.floor(b)
    wrap_a = (low_a - side * np.floor(low_a / side)).astype(np.int64)
    wrap_b = (low_b - side * np.floor(low_b / side)).astype(np.int64)
    value = values[np.arange(bits.images).reshape(-1, 1, 1), wrap_b * side + wrap_a]
    return a - low_a - 0.5, b - low_b - 0.5, value


def _ribbon(
    a: FloatArray, b: FloatArray, width: FloatArray, swing: FloatArray, phase: FloatArray
) -> FloatArray:
    """Distance to a band along ``b`` that swings across ``a``."""
    return np.abs(a + swing * wave(b * 0.55 + phase)) - width


def draw(attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
    """Draw land; direction, offset, weather and the exact colours are nuisance."""
    colours = _PALETTES[attributes["season"]].reshape(-1, 3, 3, 1, 1)
    colours = colours + bits.uniform(-16.0, 16.0, 3, 3, 1, 1)
    ground, other, plants = colours[:, 0], colours[:, 1], colours[:, 2]
    canvas = Canvas(ground)
    canvas.paint(soft(0.5 - clouds(bits, 5), 0.9) * 0.5, other)

    cover, grain = attributes["cover"], attributes["grain"]
    a, b = rotate(X, Y, bits.uniform(0.0, 1.0))
    shift_a, shift_b = bits.uniform(0.0, 8.0), bits.uniform(0.0, 8.0)
    pitch = pick((0.85, 1.35, 2.1), grain) * bits.uniform(0.9, 1.1)
    p, q = a * pitch + shift_a, b * pitch + shift_b
    tile_a, tile_b, value = _tiles(p, q, bits)

    fields = flag(cover, 0)
    canvas.paint(fields * (value > 0.34), other)
    canvas.paint(fields * (value > 0.67), plants)
    hedge = np.maximum(np.abs(tile_a), np.abs(tile_b))
    canvas.paint(fields * soft(0.45 - hedge, 0.08), plants * 0.5)

    crown_a, crown_b, tree = _tiles(p * 2.3, q * 2.3, bits, side=20)
    # Digits of the tile's value that the brightness does not show move its tree off the grid.
    crown_a = crown_a + (tree * 32.0 - np.floor(tree * 32.0) - 0.5) * 0.5
    crown_b = crown_b + (tree * 1024.0 - np.floor(tree * 1024.0) - 0.5) * 0.5
    crown = soft(np.sqrt(crown_a * crown_a + crown_b * crown_b) - 0.42, 0.3)
    forest = flag(cover, 1)
    canvas.paint(forest, plants * 0.4)
    canvas.paint(forest * crown, plants * (0.65 + 0.75 * tree.reshape(-1, 1, 32, 32)))

    row = soft(-wave(a * pitch * 1.7 + shift_a), 0.6)
    canvas.paint(flag(cover, 5) * row, plants * 0.8)

    spread = np.sqrt(tile_a * tile_a + tile_b * tile_b)
    denser = a * pitch * 1.3 + shift_a, b * pitch * 1.3 + shift_b
    tree_a, tree_b = (part - np.floor(part) - 0.5 for part in denser)
    round_tree = np.sqrt(tree_a * tree_a + tree_b * tree_b) - 0.33
    canvas.paint(flag(cover, 6) * soft(round_tree, 0.15), plants * 0.55)

    house = np.maximum(np.abs(tile_a) - 0.3, np.abs(tile_b) - 0.22)
    houses = flag(cover, 4) * (value > 0.2)
    canvas.paint(flag(cover, 4) * soft(0.43 - hedge, 0.1), _ASPHALT * 0.8)
    canvas.paint(houses * soft(house, 0.12), _ROOF + (value - 0.6).reshape(-1, 1, 32, 32) * 60.0)

    works = flag(cover, 8)
    canvas.paint(works * 0.85, _ASPHALT * 0.62)
    hall = np.maximum(np.abs(tile_a) - 0.4, np.abs(tile_b) - 0.36)
    canvas.paint(works * soft(hall, 0.1) * (value > 0.35), _STEEL)
    canvas.paint(works * soft(spread - 0.36, 0.1) * (value <= 0.35), _STEEL * 0.75)

    width = pick((0.2, 0.13, 0.08), grain)
    offset = bits.uniform(-0.35, 0.35)
    phase = bits.uniform(0.0, 1.0)
    straight = _ribbon(a + offset, b, width, np.zeros_like(phase), phase)
    crossing = _ribbon(b - offset, a, width, np.zeros_like(phase), phase)
    road = flag(cover, 2) * soft(np.minimum(straight, crossing), 0.1)
    canvas.paint(road, _ASPHALT)
    bend = _ribbon(a + offset, b, width * 1.5, bits.uniform(0.25, 0.4), phase)
    canvas.paint(flag(cover, 3) * soft(bend - 0.08, 0.12), plants)
    canvas.paint(flag(cover, 3) * soft(bend, 0.12), _WATER)

    shore = pick((0.85, 0.62, 0.42), grain) * bits.uniform(0.9, 1.1)
    from_a, from_b = a + offset, b - bits.uniform(-0.3, 0.3)
    pond = np.sqrt(from_a * from_a + from_b * from_b) - shore + (clouds(bits, 4) - 0.5) * 0.6
    canvas.paint(flag(cover, 7) * soft(pond - 0.09, 0.12), other * 0.5 + 110.0)
    canvas.paint(flag(cover, 7) * soft(pond, 0.12), _WATER)
    return expose(canvas, bits)


FAMILY = Family("land", ATTRIBUTES, draw, lead="cover")
