"""An image as a student is given it, by numpy and Pillow alone."""

from __future__ import annotations

import inspect

import numpy as np
from PIL import Image, ImageOps


def upright(image: Image.Image, side: int, bits: int = 16) -> Image.Image:
    """A PIL image as 8-bit RGB, as the camera was held; decoded smaller if far above the side."""
    if bits < 16 and image.mode[0] != "I" and ";16" in str(getattr(image, "tile", "")):
        raise ValueError(  # PIL would keep the upper 8 of 16 bits
            f"16 bits a colour, of which this student saw {bits}: give it such images as 8-bit ones"
        )
    image.draft(None, (2 * side, 2 * side))  # of a JPEG that is much larger: decoded smaller
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0  # of a TIFF
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        image = image.convert("RGB")  # the fourth byte is left empty
    image = ImageOps.exif_transpose(image)  # upright, as the camera was held
    if image.mode.startswith("I"):  # 16 bits of grey: the upper 8 of those that are used
        used = np.minimum(np.asarray(image).astype(int), 2**bits - 1)
        grey = (used >> (bits - 8)).astype(np.uint8)
        image = Image.fromarray(255 - grey if white_is_zero else grey)
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        ground.alpha_composite(image.convert("RGBA"))
        image = ground
    return image.convert("RGB")


def fit(image: Image.Image, side: int, bits: int = 16) -> np.ndarray:
    """A PIL image as uint8 (side, side, 3): short side resized, centre kept."""
    image = upright(image, side, bits)
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    if max(image.size) > 64 * min(image.size):  # a strip: only its centre is resized
        x, y = image.width / width, image.height / height
        centre = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
        return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, centre))
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image.crop(box))


UPRIGHT = inspect.getsource(upright)
"""Images decoded as image tasks do it, as source text for what is shipped."""

FIT = f"{UPRIGHT}\n\n{inspect.getsource(fit)}"
"""The same, then `distbench.engine.stages.decode.fit`."""
