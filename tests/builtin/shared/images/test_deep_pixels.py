"""Images of 16 bits a channel keep all that they hold, whatever their format and channels."""

from __future__ import annotations

import io
import struct
import zlib
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


def png(values: Values, exif: bytes = b"") -> bytes:
    """A PNG of 16 bits: (h, w, c) with grey, grey and alpha, colours, or colours and alpha."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    more = chunk(b"eXIf", exif) if exif else b""
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + more + body + chunk(b"IEND", b"")


def tiff(values: Values, order: str = "<", packed: bool = False) -> bytes:
    """A TIFF of 16 bits and three or four channels."""
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if packed else data
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    tags = 10 + (channels == 4)
    start = 8 + 2 + 12 * tags + 4
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, start)]
    entries += [(259, 3, 1, 8 if packed else 1), (262, 3, 1, 2), (273, 4, 1, start + len(bits))]
    entries += [(277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1)]
    entries += [(338, 3, 1, 2)] if channels == 4 else []
    out = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, tags)
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        out += struct.pack(f"{order}HHI", tag, kind, count)
        out += struct.pack(f"{order}HH" if short else f"{order}I", value, *([0] if short else []))
    return out + struct.pack(f"{order}I", 0) + bits + data


def random(channels: int, most: int, seed: int = 0, size: tuple[int, int] = (9, 7)) -> Values:
    return np.random.default_rng(seed).integers(0, most + 1, (*size, channels))


def values_of(data: bytes) -> Values:
    with Image.open(io.BytesIO(data)) as image:
        assert is_deep(image)
        return deep_values(image, data)


@pytest.mark.parametrize("most", [255, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_bit_of_a_png_is_read(channels: int, most: int) -> None:
    values = random(channels, most)
    assert (values_of(png(values)).reshape(values.shape) == values).all()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_bit_of_a_tiff_is_read(channels: int, order: str, packed: bool) -> None:
    values = random(channels, 4095)
    assert (values_of(tiff(values, order, packed)) == values).all()


def test_images_of_8_bits_are_not_deep() -> None:
    for mode in ("L", "LA", "RGB", "RGBA", "P", "1"):
        file = io.BytesIO()
        Image.new(mode, (4, 4)).save(file, "PNG")
        with Image.open(io.BytesIO(file.getvalue())) as image:
            assert not is_deep(image)
        assert deep_brightness(file.getvalue()) == Brightness(0, 0)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_dim_images_of_any_channels_are_refused_or_scaled(channels: int, bits: int) -> None:
    values = random(channels, 2**bits - 1)
    values[0, 0] = 2**bits - 1
    if channels in (2, 4):
        values[..., -1] = 65535  # opaque
    data = png(values)
    with pytest.raises(DataError, match=rf"'x' holds no value above .*bits={bits} or more"):
        decode_bytes(data, "x", depth=Depth(None, lambda: [deep_brightness(data)], "here"))
    pixels = decode_bytes(data, "x", depth=Depth(bits, list, "here"))
    colours = values[..., : 3 if channels > 2 else 1]
    assert (pixels == upper_bits(colours, bits)).all()
    dark = decode_bytes(data, "x", depth=Depth(16, list, "here"))
    assert (dark == colours >> 8).all()


def test_alpha_is_scaled_as_colours_are() -> None:
    values = np.zeros((4, 4, 4), np.int64)
    values[:, 2:] = (0, 0, 0, 4095)
    pixels = decode_bytes(png(values), "x", depth=Depth(12, list, "here"))
    assert (pixels[:, :2] == 255).all() and (pixels[:, 2:] == 0).all()


def test_deep_colours_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    values = random(3, 65535, size=(4, 8))
    plain = decode_bytes(png(values), "x", depth=Depth(None, list, "here"))
    turned = decode_bytes(png(values, exif.tobytes()[6:]), "x", depth=Depth(16, list, "here"))
    assert plain.shape == (4, 8, 3) and (turned == np.rot90(plain, -1)).all()


def test_single_bright_pixels_hide_nothing() -> None:
    values = random(1, 4095, size=(50, 50))
    values[3, 4] = 65535
    data = png(values)
    assert brightness(values).largest == 65535 and brightness(values).peak <= 4095
    with pytest.raises(DataError, match=r"the largest is 65535.*bits=12 or more"):
        decode_bytes(data, "x", depth=Depth(None, lambda: [deep_brightness(data)], "here"))
    pixels = decode_bytes(data, "x", depth=Depth(12, list, "here"))
    assert pixels[3, 4].tolist() == [255] * 3
    assert (pixels[..., 0] == np.minimum(values[..., 0] >> 4, 255)).all()


def test_a_few_lights_in_the_dark_are_what_there_is() -> None:
    values = np.zeros((50, 50, 1), np.int64)
    values[3, 4] = 60000
    assert brightness(values) == Brightness(60000, 60000)
    pixels = decode_bytes(png(values), "x", depth=Depth(None, list, "here"))
    assert pixels.max() == 60000 >> 8


def test_folders_of_deep_colours_are_questioned(tmp_path: Path) -> None:
    for number, name in enumerate(f"{p}/{c}" for p in ("train", "test") for c in "ab"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for i in range(4):
            values = random(3, 1023, 10 * number + i)
            (tmp_path / "d" / name / f"{i}.png").write_bytes(png(values))
    with pytest.raises(DataError, match="bits=10 or more"):
        FolderTask(path=tmp_path / "d").read("test", [0])
    assert FolderTask(path=tmp_path / "d", bits=10).read("test", [0])[0].max() > 200
