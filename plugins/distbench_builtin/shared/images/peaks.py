"""How bright 16-bit images are, from a sample: what `Depth` asks for."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from distbench import IMAGE_FORMATS
from distbench_builtin.shared.images.deep_pixels import deep_values, is_deep
from distbench_builtin.shared.images.depth import BLACK, Brightness, brightness
from distbench_builtin.shared.images.folder_tree import ImageFile

_SAMPLE = 64
_START = 32


def peaks_of(root: Path, images: Sequence[ImageFile]) -> Callable[[], Iterable[Brightness]]:
    """How bright a sample of image files is, found when it is asked for."""

    def peaks() -> Iterable[Brightness]:
        for i in spread(len(images)):
            with contextlib.suppress(OSError), (root / images[i].place).open("rb") as file:
                start = file.read(_START)
                yield deep_brightness(start + file.read()) if _perhaps_deep(start) else BLACK

    return peaks


def _perhaps_deep(start: bytes) -> bool:
    """Whether a file that starts so may hold 16 bits: a PNG that does, a TIFF, or a PNM."""
    if start.startswith(b"\x89PNG"):
        return start[24:25] == b"\x10"
    return start.startswith((b"II", b"MM", b"P"))


def spread(count: int) -> Sequence[int]:
    """Positions of a sample, over all of so many images."""
    number = min(count, _SAMPLE)
    return [round(i * (count - 1) / max(number - 1, 1)) for i in range(number)]


def deep_brightness(data: bytes) -> Brightness:
    """How bright an image of 16 bits is; black for any other."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if not is_deep(image) or (limit and image.width * image.height > limit):
                return BLACK
            return brightness(deep_values(image, data))
    except Exception:  # decoders meet broken data with exceptions of every kind
        return BLACK
