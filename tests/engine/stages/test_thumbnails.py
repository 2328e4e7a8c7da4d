"""One picture saved twice is known again; different pictures are not taken for one."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distbench.engine.stages.decode import fit
from distbench.engine.stages.thumbnails import same_pictures, thumbnails

Pixels = NDArray[np.uint8]


def photo(seed: int, size: tuple[int, int] = (160, 128)) -> Image.Image:
    """Something with large forms, small ones and colours."""
    rng = np.random.default_rng(seed)
    forms = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    detail = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    return Image.blend(forms.resize(size), detail.resize(size), 0.25)


def again(image: Image.Image, kind: str, **options: object) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def thumbs(images: list[Image.Image]) -> Pixels:
    return thumbnails(np.stack([fit(np.asarray(image), 64) for image in images]))


@pytest.mark.parametrize(
    "saved",
    [
        lambda image: again(image, "PNG"),
        lambda image: again(image, "JPEG", quality=90),
        lambda image: again(image, "JPEG", quality=50),
        lambda image: again(image, "WEBP", quality=70),
        lambda image: again(image.resize((80, 64)), "JPEG", quality=85),
        lambda image: again(image.resize((320, 256)), "PNG"),
    ],
    ids=["png", "jpeg", "bad jpeg", "webp", "half", "double"],
)
def test_pictures_that_were_saved_again_are_known(
    saved: Callable[[Image.Image], Image.Image],
) -> None:
    known = [photo(seed) for seed in range(20)]
    new = [photo(100), *(saved(image) for image in known[5:15]), photo(101)]
    assert same_pictures(thumbs(known), thumbs(new)) == [(i + 1, i + 5) for i in range(10)]


def test_different_pictures_are_none() -> None:
    known, new = [photo(s) for s in range(300)], [photo(s) for s in range(300, 600)]
    assert same_pictures(thumbs(known), thumbs(new)) == []


def test_a_mirrored_a_brighter_and_a_coloured_picture_are_others() -> None:
    image = np.asarray(photo(1))
    others = [image[:, ::-1], np.clip(image.astype(int) + 30, 0, 255), image[:, :, ::-1]]
    new = thumbs([Image.fromarray(np.ascontiguousarray(o, dtype=np.uint8)) for o in others])
    assert same_pictures(thumbs([photo(1)]), new) == []


def test_blank_pictures_are_not_judged() -> None:
    blank = np.full((4, 64, 64, 3), 200, np.uint8)
    assert same_pictures(thumbnails(blank), thumbnails(blank)) == []
    assert same_pictures(thumbs([photo(1)]), thumbnails(blank)) == []
    assert same_pictures(thumbnails(blank[:0]), thumbs([photo(1)])) == []


@pytest.mark.parametrize("side", [8, 16, 17, 40, 64])
def test_thumbnails_have_one_size(side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    assert thumbnails(images).shape == (3, 16, 16, 3)
    flat = np.full((1, side, side, 3), 77, np.uint8)
    assert (thumbnails(flat) == 77).all()
