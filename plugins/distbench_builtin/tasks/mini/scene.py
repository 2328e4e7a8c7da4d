"""What surrounds the thing to be named: background, clutter, light and noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from distbench_builtin.tasks.mini.bits import Bits, FloatArray
from distbench_builtin.tasks.mini.raster import SIZE, X, Y, box, clouds, ellipse, paint, soft


def scenery(bits: Bits, low: float = 30.0, high: float = 225.0) -> FloatArray:
    """A background of two random colours in smooth patches, with a third in finer ones."""
    colours = bits.uniform(low, high, 3, 3, 1, 1)
    grey = (colours[:, :, :1] + colours[:, :, 1:2] + colours[:, :, 2:]) / 3.0
    # Pale colours keep the background from being the most colourful thing of the picture.
    colours = grey + (colours - grey) * bits.uniform(0.35, 0.9, 1, 1, 1, 1)
    canvas = np.broadcast_to(colours[:, 0], (bits.images, 3, SIZE, SIZE)).copy()
    tilt = Y * bits.uniform(-0.6, 0.6)
    paint(canvas, soft(0.5 - clouds(bits, 3) + tilt, 0.7), colours[:, 1])
    paint(canvas, soft(0.62 - clouds(bits, 8), 0.5) * 0.7, colours[:, 2])
    return canvas


def scatter(canvas: FloatArray, bits: Bits, things: int, rim: bool) -> None:
    """Paint random small discs and rectangles over the canvas, in place.

    Args:
        canvas: What to paint on.
        bits: Where the randomness comes from.
        things: How many shapes per image.
        rim: Keep the shapes smaller and away from the middle, so that they hide only edges.
    """
    largest = 0.2 if rim else 0.32
    for _ in range(things):
        x, y = bits.uniform(-1.0, 1.0), bits.uniform(-1.0, 1.0)
        if rim:
            # Push towards the border along the longer of the two coordinates.
            wide = np.abs(x) > np.abs(y)
            x = np.where(wide, np.where(x < 0, -0.62, 0.62) + 0.3 * x, x)
            y = np.where(wide, y, np.where(y < 0, -0.62, 0.62) + 0.3 * y)
        across, down = bits.uniform(0.1, largest), bits.uniform(0.1, largest)
        disc = ellipse(X, Y, (x, y), (across, down))
        rectangle = box(X, Y, (x, y), (across, down))
        shape = np.where(bits.coin(0.5), disc, rectangle)
        paint(canvas, soft(shape, 0.1), bits.uniform(20.0, 235.0, 3, 1, 1))


def expose(
    canvas: FloatArray,
    bits: Bits,
    noise: tuple[float, float] = (10.0, 16.0),
    light: float = 0.22,
    tint: float = 0.1,
    slope: float = 0.18,
    grey: bool = False,
) -> npt.NDArray[np.uint8]:
    """Add light and noise to a canvas and round it to bytes.

    Args:
        canvas: Colours in 0 to 255, ``(images, 3, 32, 32)``; changed in place.
        bits: Where the randomness comes from.
        noise: Range of the noise's standard deviation.
        light: Largest relative change of brightness.
        tint: Largest relative change of one channel.
        slope: Largest relative change of brightness towards a border.
        grey: Give the three channels the same noise and no tint.

    Returns:
        Images of shape ``(images, 32, 32, 3)``.
    """
    gain = 1.0 + bits.uniform(-light, light)
    gain = gain + X * bits.uniform(-slope, slope) + Y * bits.uniform(-slope, slope)
    canvas *= gain.reshape(-1, 1, SIZE, SIZE)
    if not grey:
        canvas *= 1.0 + bits.uniform(-tint, tint, 3, 1, 1)
    canvas += bits.uniform(*noise, 1, 1, 1) * bits.grain(1 if grey else 3, SIZE, SIZE)
    levels = np.floor(np.minimum(np.maximum(canvas, 0.0), 255.0) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
