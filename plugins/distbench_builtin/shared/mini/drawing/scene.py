"""What surrounds the thing to be named: background, clutter, light and noise."""

from __future__ import annotations

import numpy as np

from .bits import Bits, ByteArray
from .raster import SIZE, Canvas, X, Y, box, clouds, ellipse, soft


def scenery(bits: Bits) -> Canvas:
    """A background of two random colours in smooth patches, with a third in finer ones."""
    colours = bits.uniform(30.0, 225.0, 3, 3, 1, 1)
    grey = (colours[:, :, :1] + colours[:, :, 1:2] + colours[:, :, 2:]) / 3.0
    # Pale colours keep the background from being the most colourful thing of the picture.
    colours = grey + (colours - grey) * bits.uniform(0.35, 0.9, 1, 1, 1, 1)
    canvas = Canvas(colours[:, 0])
    tilt = Y * bits.uniform(-0.6, 0.6)
    canvas.paint(soft(0.5 - clouds(bits, 3) + tilt, 0.7), colours[:, 1])
    canvas.paint(soft(0.62 - clouds(bits, 8), 0.5) * 0.7, colours[:, 2])
    return canvas


def scatter(canvas: Canvas, bits: Bits, things: int, rim: bool) -> None:
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
        canvas.paint(soft(shape, 0.1), bits.uniform(20.0, 235.0, 3, 1, 1))


def expose(
    canvas: Canvas,
    bits: Bits,
    noise: tuple[float, float] = (14.0, 24.0),
    light: float = 0.3,
    tint: float = 0.2,
    slope: float = 0.28,
    haze: float = 0.4,
    grey: bool = False,
) -> ByteArray:
    """Photograph a canvas: something in front of it, haze, light and noise, rounded to bytes.

    Args:
        canvas: Colours in 0 to 255; changed in place.
        bits: Where the randomness comes from.
        noise: Range of the noise's standard deviation.
        light: Largest relative change of brightness.
        tint: Largest relative change of one channel.
        slope: Largest relative change of brightness towards a border.
        haze: Largest share of the picture's contrast that is lost to a random colour.
        grey: A picture of one channel: no colours in haze and noise, nothing in front.

    Returns:
        Images of shape ``(images, 32, 32, 3)``.
    """
    if not grey:
        scatter(canvas, bits, 1, rim=False)
    gain = 1.0 + bits.uniform(-light, light)
    gain = gain + X * bits.uniform(-slope, slope) + Y * bits.uniform(-slope, slope)
    pixels = canvas.pixels
    pixels *= gain.reshape(-1, 1, SIZE, SIZE)
    if not grey:
        pixels *= 1.0 + bits.uniform(-tint, tint, 3, 1, 1)
    lost = bits.uniform(0.0, haze, 1, 1, 1)
    pixels += (bits.uniform(70.0, 185.0, 1 if grey else 3, 1, 1) - pixels) * lost
    grain = bits.grain(1 if grey else 3, SIZE, SIZE)
    grain *= bits.uniform(*noise, 1, 1, 1)
    pixels += grain
    np.maximum(pixels, 0.0, out=pixels)
    np.minimum(pixels, 255.0, out=pixels)
    pixels += 0.5
    # Bytes drop the fraction, which rounds to the nearest level.
    levels = pixels.astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
