"""The largest values of 16-bit images, from a sample: what `Depth` asks for."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from distbench_builtin.shared.images.decode import FORMATS, is_deep
from distbench_builtin.shared.images.folder_tree import ImageFile

_SAMPLE = 64


def peaks_of(root: Path, images: Sequence[ImageFile]) -> Callable[[], Iterable[int]]:
    """Largest values of a sample of image files, found when they are asked for."""

    def peaks() -> Iterable[int]:
        for i in spread(len(images)):
            with contextlib.suppress(OSError):
                yield deep_peak((root / images[i].place).read_bytes())

    return peaks


def spread(count: int) -> Sequence[int]:
    """Positions of a sample, over all of so many images."""
    number = min(count, _SAMPLE)
    return [round(i * (count - 1) / max(number - 1, 1)) for i in range(number)]


def deep_peak(data: bytes) -> int:
    """The largest value of an image of 16 bits of grey; 0 for any other."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if not is_deep(image) or (limit and image.width * image.height > limit):
                return 0
            return int(np.asarray(image).max(initial=0))
    except Exception:  # decoders meet broken data with exceptions of every kind
        return 0
