"""Images of a task as a page holds them: small JPEGs in its text."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distbench.storage.npy import Images

_SIDE = 96
_QUALITY = 78


def picture(images: Images, position: int) -> str:
    """One image as a ``data:`` address; larger ones are made smaller."""
    image = Image.fromarray(np.asarray(images[position]))
    if max(image.size) > _SIDE:
        image = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode()


def examples(
    images: Images, labels: NDArray[np.int64], positions: NDArray[np.int64], classes: int, each: int
) -> list[list[str]]:
    """The first images of each class among those at some positions."""
    own = labels[positions]
    return [
        [picture(images, int(at)) for at in positions[own == number][:each]]
        for number in range(classes)
    ]
