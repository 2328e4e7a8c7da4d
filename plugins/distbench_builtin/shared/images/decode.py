"""One image file to RGB pixels, whatever its format and mode."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench import IMAGE_FORMATS, CorruptImageError, DataError, learn_heif
from distbench_builtin.shared.images.deep_pixels import deep_values, is_deep_colour, is_deep_grey
from distbench_builtin.shared.images.depth import upper_bits

if TYPE_CHECKING:
    from PIL import Image

    from distbench_builtin.shared.images.depth import Depth

_SPARE = 2
_PHOTOMETRIC = 262
"""Number of the TIFF tag that says what values of grey mean; 0 if the smallest is white."""
_ORIENTATION = 0x0112
"""Number of the EXIF tag that says how an image is turned."""


def decode(
    path: Path, name: str, side: int | None = None, depth: Depth | None = None
) -> NDArray[np.uint8]:
    """Pixels of the first frame, upright (EXIF), on white where transparent.

    Args:
        path: The file.
        name: What the image is called in messages.
        side: As `decode_bytes` takes it.
        depth: As `decode_bytes` takes it.

    Returns:
        uint8 (h, w, 3), RGB, in the original size unless `side` allows a smaller one.

    Raises:
        CorruptImageError: It is no image, is broken, or is too large to be one.
        DataError: The file is gone or may not be read; or as `Depth.eight_bits` raises.
    """
    return decode_bytes(read_file(path, name), name, side, depth)


def read_file(path: Path, name: str) -> bytes:
    """The content of an image file.

    Raises:
        DataError: It is gone or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read image {name!r}: {error.strerror}. Was {path} moved or its permission "
            "changed since the task was planned?"
        ) from None


def decode_bytes(
    data: bytes, name: str, side: int | None = None, depth: Depth | None = None
) -> NDArray[np.uint8]:
    """As `decode`, of what stands in a file.

    Of 16 bits the upper 8 are kept, or of those that the task uses. Colour profiles are not
    applied, as in common training pipelines. Changes no state of PIL's, so that it may run in
    several threads.

    Args:
        data: The encoded image.
        name: What the image is called in messages.
        side: Short side that the caller will shrink the image to. JPEG decoders can give an image
            at 1/2, 1/4 or 1/8 of its size several times faster; the smallest is taken that is at
            least twice as large as needed, so that shrinking still has pixels to average.
        depth: How many of 16 bits the task uses; all, if it is not given.

    Raises:
        DataError: As `Depth.eight_bits` raises.
        CorruptImageError: It is no image, is broken, or is too large to be one.
    """
    if not data:
        raise CorruptImageError(name, "the file is empty")
    from PIL import Image, UnidentifiedImageError

    learn_heif()
    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                raise _too_large(name)
            if side is not None:
                image.draft(None, (_SPARE * side, _SPARE * side))
            shown: Image.Image = image
            if depth is not None and is_deep_colour(image):
                shown = _from_deep_colour(image, data, name, depth)
            shown.load()
            _turn_upright(shown)
            pixels = np.array(_rgb(shown, name, depth), dtype=np.uint8)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise CorruptImageError(name, f"not an image in {_known()} format") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except Exception as error:  # decoders meet broken data with exceptions of every kind
        raise CorruptImageError(name, str(error).rstrip(".") or type(error).__name__) from None
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise CorruptImageError(name, "it has no pixels")
    return pixels


def _known() -> str:
    return ", ".join(IMAGE_FORMATS[:-1]) + f" or {IMAGE_FORMATS[-1]}"


def _too_large(name: str) -> CorruptImageError:
    from PIL import Image

    limit = f"{Image.MAX_IMAGE_PIXELS:,}" if Image.MAX_IMAGE_PIXELS else "number of"
    return CorruptImageError(
        name, f"too large: more than the {limit} pixels that PIL takes for safe"
    )


def _rgb(image: Image.Image, name: str, depth: Depth | None) -> Image.Image:
    """Any mode to RGB."""
    from PIL import Image

    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if is_deep_grey(image):
        return _from_deep_grey(image, name, depth)
    if image.mode == "F":
        raise CorruptImageError(
            name, "its pixels are floats, whose range is unknown; convert them to 8 or 16 bits"
        )
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        return image.convert("RGB")  # of four bytes a pixel the last one is left empty
    palette = image.palette.mode if image.mode == "P" and image.palette else ""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or (
        "transparency" in image.info or palette.endswith("A")
    ):
        shown = image.convert("LA") if image.mode == "La" else image
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        ground.alpha_composite(shown.convert("RGBA"))
        return ground.convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image, name: str, depth: Depth | None) -> Image.Image:
    """16 bits of grey to 8: the upper ones. PIL reads some 16-bit files into 32-bit pixels."""
    from PIL import Image

    values = np.asarray(image)  # in 16 or 32 bits: large images would take much memory in more
    if values.size and (values.min() < 0 or values.max() > 0xFFFF):
        raise CorruptImageError(
            name, "32-bit greyscale, whose range is unknown; convert it to 8 or 16 bits"
        )
    grey = upper_bits(values, 16) if depth is None else depth.eight_bits(values, name)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        grey = 255 - grey  # PIL does so of 8 bits alone
    return Image.fromarray(grey).convert("RGB")


def _from_deep_colour(image: Image.Image, data: bytes, name: str, depth: Depth) -> Image.Image:
    """16 bits of colours, or of grey and alpha, to 8; turned by nothing yet."""
    from PIL import Image

    shown = Image.fromarray(depth.eight_bits(deep_values(image, data), name))
    shown.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    return shown


def _turn_upright(image: Image.Image) -> None:
    """Turns an image as its EXIF data say, in place."""
    from PIL import ImageOps

    with contextlib.suppress(Exception):  # broken metadata is no reason to lose sound pixels
        ImageOps.exif_transpose(image, in_place=True)
