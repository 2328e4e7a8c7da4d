"""All bits of images with 16 bits a channel, of which Pillow keeps the upper 8 where it can."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Values = NDArray[np.int64]

_GREY_ALPHA = "LA;16B"
_BACKWARDS = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Byte order under which the lower byte of a value stands where the upper one is looked for."""


def is_deep(image: Image.Image) -> bool:
    """Whether an image that was opened, and not yet loaded, has 16 bits a channel."""
    return is_deep_grey(image) or is_deep_colour(image)


def is_deep_grey(image: Image.Image) -> bool:
    """Whether an image has more than 8 bits of grey and nothing else."""
    return image.mode == "I" or image.mode.startswith("I;16")


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an image that was opened, and not yet loaded, has 16 bits of more than grey.

    One with a colour that stands for transparency does not count.
    """
    raw = _raw_mode(image)
    return ";16" in raw and not is_deep_grey(image) and "transparency" not in image.info


def deep_values(image: Image.Image, data: bytes) -> Values:
    """The values of an image with 16 bits a channel, as they stand in the file.

    Args:
        image: Opened, and not yet loaded; is loaded.
        data: The file.

    Returns:
        (h, w) of grey, else (h, w, c) with two, three or four channels, alpha last where there are
        two or four.
    """
    raw = _raw_mode(image)
    if is_deep_grey(image):
        return np.asarray(image, dtype=np.int64)
    if raw == _GREY_ALPHA:
        return _grey_and_alpha(data)
    upper, lower = np.asarray(image, dtype=np.int64), _lower(data, str(image.format), raw)
    return np.asarray(upper << 8 | lower)


def _raw_mode(image: Image.Image) -> str:
    """How pixels stand in the file, as Pillow's decoders are told."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _lower(data: bytes, kind: str, raw: str) -> Values:
    """The lower bytes: where the other byte order is looked for, they stand as the upper ones."""
    from PIL import Image

    other = raw[:-1] + _BACKWARDS[raw[-1]]
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        image.tile = [_read_as(tile, other) for tile in image.tile]
        return np.asarray(image, dtype=np.int64)


def _read_as(tile: Any, raw: str) -> Any:
    """What a decoder is told, with another order of bytes."""
    arguments = (raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw
    if hasattr(tile, "_replace"):
        return tile._replace(args=arguments)
    return (*tile[:3], arguments)  # before Pillow 11


def _grey_and_alpha(data: bytes) -> Values:
    """Of a PNG: two channels of 16 bits are read as four of 8, which differ in the header alone."""
    from PIL import Image

    header = bytearray(data[12:29])  # IHDR, width, height, bits, colour type and three more
    header[12:14] = (8, 6)
    relabelled = data[:12] + bytes(header) + struct.pack(">I", zlib.crc32(header)) + data[33:]
    with Image.open(io.BytesIO(relabelled), formats=["PNG"]) as image:
        quarters = np.asarray(image).astype(np.int64)  # (h, w, 4)
    return quarters[..., 0::2] << 8 | quarters[..., 1::2]
