"""Images of 16 bits a channel keep all that they hold, whatever their format and channels."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distbench import DataError
from distbench_builtin.shared.images.decode import decode_bytes
from distbench_builtin.shared.images.deep_pixels import deep_values, is_deep
from distbench_builtin.shared.images.depth import Brightness, Depth, brightness, upper_bits
from distbench_builtin.shared.images.peaks import deep_brightness
from distbench_builtin.tasks.folder import FolderTask

Values = NDArray[np.int64]
Write = Callable[..., bytes]


def random(channels: int, most: int, seed: int = 0, size: tuple[int, int] = (9, 7)) -> Values:
    return np.random.default_rng(seed).integers(0, most + 1, (*size, channels))


def values_of(data: bytes) -> Values:
    with Image.open(io.BytesIO(data)) as image:
        assert is_deep(image)
        return deep_values(image, data)


@pytest.mark.parametrize("most", [255, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_bit_of_a_png_is_read(deep_png: Write, channels: int, most: int) -> None:
    values = random(channels, most)
    assert (values_of(deep_png(values)).reshape(values.shape) == values).all()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_bit_of_a_tiff_is_read(
    deep_tiff: Write, channels: int, order: str, packed: bool
) -> None:
    values = random(channels, 4095)
    assert (values_of(deep_tiff(values, order, packed)) == values).all()


def test_images_of_8_bits_are_not_deep() -> None:
    for mode in ("L", "LA", "RGB", "RGBA", "P", "1"):
        file = io.BytesIO()
        Image.new(mode, (4, 4)).save(file, "PNG")
        with Image.open(io.BytesIO(file.getvalue())) as image:
            assert not is_deep(image)
        assert deep_brightness(file.getvalue()) == Brightness(0, 0)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_dim_images_of_any_channels_are_refused_or_scaled(
    deep_png: Write, channels: int, bits: int
) -> None:
    values = random(channels, 2**bits - 1)
    values[0, 0] = 2**bits - 1
    if channels in (2, 4):
        values[..., -1] = 65535  # opaque
    data = deep_png(values)
    with pytest.raises(DataError, match=rf"'x' holds no value above .*bits={bits} or more"):
        decode_bytes(data, "x", depth=Depth(None, lambda: [deep_brightness(data)], "here"))
    pixels = decode_bytes(data, "x", depth=Depth(bits, list, "here"))
    colours = values[..., : 3 if channels > 2 else 1]
    assert (pixels == upper_bits(colours, bits)).all()
    dark = decode_bytes(data, "x", depth=Depth(16, list, "here"))
    assert (dark == colours >> 8).all()


def test_alpha_is_scaled_as_colours_are(deep_png: Write) -> None:
    values = np.zeros((4, 4, 4), np.int64)
    values[:, 2:] = (0, 0, 0, 4095)
    pixels = decode_bytes(deep_png(values), "x", depth=Depth(12, list, "here"))
    assert (pixels[:, :2] == 255).all() and (pixels[:, 2:] == 0).all()


def test_deep_colours_are_turned_upright(deep_png: Write) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    values = random(3, 65535, size=(4, 8))
    plain = decode_bytes(deep_png(values), "x", depth=Depth(None, list, "here"))
    turned = decode_bytes(deep_png(values, exif.tobytes()[6:]), "x", depth=Depth(16, list, "here"))
    assert plain.shape == (4, 8, 3) and (turned == np.rot90(plain, -1)).all()


def test_single_bright_pixels_hide_nothing(deep_png: Write) -> None:
    values = random(1, 4095, size=(50, 50))
    values[3, 4] = 65535
    data = deep_png(values)
    assert brightness(values).largest == 65535 and brightness(values).peak <= 4095
    with pytest.raises(DataError, match=r"the largest is 65535.*bits=12 or more"):
        decode_bytes(data, "x", depth=Depth(None, lambda: [deep_brightness(data)], "here"))
    pixels = decode_bytes(data, "x", depth=Depth(12, list, "here"))
    assert pixels[3, 4].tolist() == [255] * 3
    assert (pixels[..., 0] == np.minimum(values[..., 0] >> 4, 255)).all()


def test_a_few_lights_in_the_dark_are_what_there_is(deep_png: Write) -> None:
    values = np.zeros((50, 50, 1), np.int64)
    values[3, 4] = 60000
    assert brightness(values) == Brightness(60000, 60000)
    pixels = decode_bytes(deep_png(values), "x", depth=Depth(None, list, "here"))
    assert pixels.max() == 60000 >> 8


def test_folders_of_deep_colours_are_questioned(deep_png: Write, tmp_path: Path) -> None:
    for number, name in enumerate(f"{p}/{c}" for p in ("train", "test") for c in "ab"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for i in range(4):
            values = random(3, 1023, 10 * number + i)
            (tmp_path / "d" / name / f"{i}.png").write_bytes(deep_png(values))
    with pytest.raises(DataError, match="bits=10 or more"):
        FolderTask(path=tmp_path / "d").read("test", [0])
    assert FolderTask(path=tmp_path / "d", bits=10).read("test", [0])[0].max() > 200


def test_a_tiff_in_which_white_is_zero_is_no_negative(white_is_zero: Write) -> None:
    values = np.array([[0, 700, 40000, 65535]], np.uint16)
    shallow = decode_bytes(white_is_zero((values >> 8).astype(np.uint8)), "x")
    assert shallow[0, :, 0].tolist() == [255, 253, 99, 0]
    for depth in (None, Depth(None, list, "x"), Depth(16, list, "x")):
        deep = decode_bytes(white_is_zero(values), "x", depth=depth)
        assert np.array_equal(deep, shallow)
    dim = white_is_zero(values >> 4)
    with pytest.raises(DataError, match="bits=12 or more"):
        decode_bytes(dim, "x", depth=Depth(None, list, "x"))
    assert np.array_equal(decode_bytes(dim, "x", depth=Depth(12, list, "x")), shallow)


def test_a_bmp_whose_alpha_is_empty_has_none(bmp: Write) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    rgba[..., 3] = 0
    assert np.array_equal(decode_bytes(bmp(rgba), "x"), rgba[..., :3])
    rgba[0, 0, 3] = 255
    clear = decode_bytes(bmp(rgba), "x")
    assert clear[0, 0].tolist() == rgba[0, 0, :3].tolist()
    assert (clear[1:] == 255).all()
