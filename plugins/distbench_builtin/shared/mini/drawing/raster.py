"""Drawing primitives on batches of 32x32 planes.

Only correctly rounded elementwise operations and stored tables are used (no library sine, power
or reduction), so every plane has the same bits whatever the processor or the NumPy build.
Coordinates run from -1 to 1, x to the right and y downwards. A plane is ``(images, 32, 32)``,
a parameter ``(images, 1, 1)`` and a colour ``(images, 3, 1, 1)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .bits import Bits, FloatArray, IntArray

Parameter = FloatArray | float
Pair = tuple[Parameter, Parameter]
"""A parameter in x and in y."""

SIZE = 32
_AXIS = (np.arange(SIZE, dtype=np.float64) + 0.5) / (SIZE / 2) - 1.0
X = _AXIS.reshape(1, 1, SIZE)
Y = _AXIS.reshape(1, SIZE, 1)


# A quarter turn of sine in steps of 1/256 turn, times 2 ** 15.
# fmt: off
_QUARTER = [
    0, 804, 1608, 2411, 3212, 4011, 4808, 5602, 6393, 7180, 7962, 8740, 9512, 10279, 11039, 11793,
    12540, 13279, 14010, 14733, 15447, 16151, 16846, 17531, 18205, 18868, 19520, 20160, 20788,
    21403, 22006, 22595, 23170, 23732, 24279, 24812, 25330, 25833, 26320, 26791, 27246, 27684,
    28106, 28511, 28899, 29269, 29622, 29957, 30274, 30572, 30853, 31114, 31357, 31581, 31786,
    31972, 32138, 32286, 32413, 32522, 32610, 32679, 32729, 32758, 32768,
]


# fmt: on
_HALF = [*_QUARTER, *_QUARTER[-2::-1]]
_SINE = np.array([*_HALF, *(-value for value in _HALF[1:])], dtype=np.float64) / 32768.0


def sine(turns: FloatArray) -> FloatArray:
    """Sine of an angle in turns (1.0 is a full circle), from a table with linear steps."""
    place = (turns - np.floor(turns)) * 256.0
    index = np.minimum(np.floor(place), 255.0)
    low = index.astype(np.int64)
    return _SINE[low] + (_SINE[low + 1] - _SINE[low]) * (place - index)


def cosine(turns: FloatArray) -> FloatArray:
    """Cosine of an angle in turns."""
    return sine(turns + 0.25)


def wave(phase: FloatArray) -> FloatArray:
    """A smooth wave of period 1 between -1 and 1, made of two parabolas."""
    saw = (phase - np.floor(phase)) * 2.0 - 1.0
    return 4.0 * saw * (1.0 - np.abs(saw))


def pick(table: Sequence[float], index: IntArray) -> FloatArray:
    """Look up one parameter per image."""
    return np.array(table, dtype=np.float64)[index].reshape(-1, 1, 1)


def flag(index: IntArray, *values: int) -> FloatArray:
    """1.0 for the images whose index is one of the values, else 0.0."""
    return np.isin(index, values).astype(np.float64).reshape(-1, 1, 1)


def rotate(u: FloatArray, v: FloatArray, turns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Express points in axes turned by an angle."""
    c, s = cosine(turns), sine(turns)
    return c * u + s * v, c * v - s * u


def pose(
    bits: Bits,
    turn: float = 0.06,
    scale: tuple[float, float] = (0.7, 1.15),
    shift: float = 0.18,
    flip: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Local coordinates of a shape at a random place, size, rotation and mirroring."""
    u = X - bits.uniform(-shift, shift)
    v = Y - bits.uniform(-shift, shift)
    u, v = rotate(u, v, bits.uniform(-turn, turn))
    size = bits.uniform(*scale)
    mirror = np.where(bits.coin(0.5 if flip else 0.0), -size, size)
    return u / mirror, v / size


def soft(distance: FloatArray, width: float = 0.08) -> FloatArray:
    """Mask of the inside of a shape (negative distance) with an edge of the given width."""
    mask = distance / -width
    mask += 0.5
    np.maximum(mask, 0.0, out=mask)
    return np.minimum(mask, 1.0, out=mask)


def ellipse(u: FloatArray, v: FloatArray, centre: Pair, radius: Pair) -> FloatArray:
    """Approximate distance to an ellipse with axes along the coordinates."""
    a, b = (u - centre[0]) / radius[0], (v - centre[1]) / radius[1]
    a *= a
    b *= b
    distance = np.sqrt(a + b)
    distance -= 1.0
    distance *= np.minimum(radius[0], radius[1])
    return distance


def box(u: FloatArray, v: FloatArray, centre: Pair, half: Pair) -> FloatArray:
    """Distance to a rectangle, largest of the two axis distances."""
    return np.maximum(np.abs(u - centre[0]) - half[0], np.abs(v - centre[1]) - half[1])


def capsule(
    u: FloatArray,
    v: FloatArray,
    start: Pair,
    end: Pair,
    radius: Parameter,
    taper: Parameter = 0.0,
) -> FloatArray:
    """Distance to a thick segment whose radius shrinks by ``taper`` towards its end."""
    along_u, along_v = end[0] - start[0], end[1] - start[1]
    from_u, from_v = u - start[0], v - start[1]
    length2 = along_u * along_u + along_v * along_v + 1e-9
    part = from_u * (along_u / length2)
    part += from_v * (along_v / length2)
    np.maximum(part, 0.0, out=part)
    np.minimum(part, 1.0, out=part)
    from_u -= part * along_u
    from_v -= part * along_v
    from_u *= from_u
    from_v *= from_v
    from_u += from_v
    distance = np.sqrt(from_u, out=from_u)
    part *= taper
    part -= radius
    distance += part
    return distance


def _stretch(cells: int) -> tuple[IntArray, FloatArray]:
    place = (np.arange(SIZE, dtype=np.float64) + 0.5) * (cells / SIZE)
    low = np.floor(place)
    part = place - low
    return low.astype(np.int64), part * part * (3.0 - 2.0 * part)


def clouds(bits: Bits, cells: int) -> FloatArray:
    """Smooth random plane in ``[0, 1)`` with the given number of lattice cells per side."""
    lattice = bits.uniform(0.0, 1.0, cells + 1, cells + 1)
    low, part = _stretch(cells)
    columns = lattice[:, :, low] + (lattice[:, :, low + 1] - lattice[:, :, low]) * part
    across = part.reshape(1, SIZE, 1)
    return columns[:, low] + (columns[:, low + 1] - columns[:, low]) * across


class Canvas:
    """The picture being drawn, with room to compute in.

    Fresh pages cost more than the arithmetic on them, so every stroke reuses the same memory.

    Args:
        ground: What to start from, broadcast to ``(images, 3, 32, 32)``.
    """

    def __init__(self, ground: FloatArray) -> None:
        self.pixels = np.empty((ground.shape[0], 3, SIZE, SIZE))
        self.pixels[...] = ground
        self._change = np.empty_like(self.pixels)

    def paint(self, mask: FloatArray, colour: FloatArray) -> None:
        """Blend in a colour ``(images, 3, 1, 1)`` or a picture where the mask is set."""
        np.subtract(colour, self.pixels, out=self._change)
        self._change *= mask.reshape(mask.shape[0], 1, *mask.shape[1:])
        self.pixels += self._change
