"""Hostile and unusual image files: each is read as a person would see it, or refused by name."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from distbench import CorruptImageError
from distbench_builtin.shared.images.decode import decode, decode_bytes
from distbench_builtin.tasks.folder import FolderTask

RED, BLUE = (255, 0, 0), (0, 0, 255)


def noise(height: int, width: int) -> np.ndarray:
    """Smooth noise, as photographs are."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def why(data: bytes) -> str:
    with pytest.raises(CorruptImageError) as caught:
        decode_bytes(data, "a/x.jpg")
    assert caught.value.name == "a/x.jpg"
    assert "cannot read image 'a/x.jpg'" in str(caught.value)
    return caught.value.why


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_one_pixel(kind):
    pixels = decode_bytes(saved(Image.new("RGB", (1, 1), RED), kind), "x", side=256)
    assert pixels.shape == (1, 1, 3)
    assert abs(pixels[0, 0].astype(int) - RED).max() <= 3


@pytest.mark.parametrize("size", [(1, 500), (500, 1)])
def test_slivers(size):
    assert decode_bytes(saved(Image.new("RGB", size), "PNG"), "x").shape[:2] == size[::-1]


def test_progressive_jpeg():
    image = Image.fromarray(noise(64, 96))
    plain, progressive = (saved(image, "JPEG", progressive=p, quality=90) for p in (False, True))
    assert b"\xff\xc2" in progressive
    assert (decode_bytes(progressive, "x") == decode_bytes(plain, "x")).all()
    assert "truncated" in why(progressive[: len(progressive) // 2])


def test_colour_profiles_are_not_applied():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.fromarray(noise(32, 32))
    for kind, options in (("JPEG", {"quality": 95}), ("PNG", {})):
        plain, profiled = (
            decode_bytes(saved(image, kind, **given, **options), "x")
            for given in ({}, {"icc_profile": profile})
        )
        assert (plain == profiled).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame(kind):
    first, second = (Image.new("RGB", (9, 9), colour) for colour in (RED, BLUE))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(first, kind, save_all=True, append_images=[second], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert (decode_bytes(data, "x") == RED).all()


def test_two_pictures_of_one_camera():
    first, second = (Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE))
    data = saved(first, "MPO", save_all=True, append_images=[second])
    for side in (None, 8):
        pixels = decode_bytes(data, "x", side).astype(int)
        assert abs(pixels - RED).max() <= 3


def test_suffix_that_lies(tmp_path):
    values = noise(8, 8)
    for name, kind in (("x.jpg", "PNG"), ("x.png", "BMP"), ("x.gif", "WEBP")):
        options = {"lossless": True} if kind == "WEBP" else {}
        (tmp_path / name).write_bytes(saved(Image.fromarray(values), kind, **options))
        assert (decode(tmp_path / name, name) == values).all()


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"%PDF-1.7\n%",
        b"\0" * 1000,
        b"\xff\xd8\xff",
    ],
)
def test_other_things_saved_as_images(data):
    assert why(data).startswith(("not an image in JPEG, PNG", "cannot identify", "broken"))


def test_zero_bytes():
    assert why(b"") == "the file is empty"


def deep_png() -> bytes:
    """2 x 1 pixels of 16 bits a channel, which PIL does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + struct.pack(">6H", 0xFF12, 0x8034, 0x0056, 0x0199, 0x02FF, 0xFFFF)
    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )


def test_sixteen_bits_of_colour_keep_the_upper_byte():
    assert decode_bytes(deep_png(), "x").tolist() == [[[0xFF, 0x80, 0], [1, 2, 0xFF]]]


def test_sixteen_bits_in_the_other_byte_order():
    values = np.array([[0x0100, 0x7FFF, 0xFF00]], np.uint16)
    data = saved(Image.frombytes("I;16B", (3, 1), values.astype(">u2").tobytes()), "TIFF")
    assert decode_bytes(data, "x")[0, :, 0].tolist() == [1, 127, 255]


def test_grey_with_alpha_and_cmyk_tiff():
    cmyk = saved(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF")
    assert (decode_bytes(cmyk, "x") == RED).all()
    lab = saved(Image.new("LAB", (2, 2), (255, 128, 128)), "TIFF")
    assert decode_bytes(lab, "x").min() >= 250


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_metadata_costs_nothing():
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    data = saved(Image.new("RGB", (16, 16), RED), "JPEG", exif=exif)
    assert decode_bytes(data, "x").shape == (16, 16, 3)


# --- large images -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "side", "decoded"),
    [
        ((640, 800), 40, (80, 100)),
        ((640, 800), 41, (160, 200)),
        ((640, 800), 160, (320, 400)),
        ((640, 800), 161, (640, 800)),
        ((643, 800), 80, (161, 200)),
        ((640, 800), None, (640, 800)),
    ],
)
def test_large_jpegs_are_decoded_smaller_but_never_too_small(shape, side, decoded):
    data = saved(Image.fromarray(noise(*shape)), "JPEG", quality=95)
    pixels = decode_bytes(data, "x", side)
    assert pixels.shape == (*decoded, 3)
    whole = Image.fromarray(decode_bytes(data, "x"))
    shrunk = np.asarray(whole.resize(decoded[::-1], Image.Resampling.BOX))
    assert np.abs(pixels.astype(int) - shrunk).mean() < 4


def test_large_images_of_other_kinds_stay_as_they_are():
    image = Image.fromarray(noise(320, 320))
    assert decode_bytes(saved(image, "PNG"), "x", side=8).shape == (320, 320, 3)
    turned = Image.Exif()
    turned[0x0112] = 6
    data = saved(Image.fromarray(noise(640, 320)), "JPEG", exif=turned)
    assert decode_bytes(data, "x", side=8).shape == (40, 80, 3)
    for mode in ("L", "CMYK"):
        assert decode_bytes(saved(image.convert(mode), "JPEG"), "x", side=8).shape == (40, 40, 3)


def test_a_task_reads_in_the_original_size_unless_told(tmp_path):
    for part in ("train", "test"):
        for name in "ab":
            (tmp_path / part / name).mkdir(parents=True)
            Image.fromarray(noise(256, 320)).save(tmp_path / part / name / "x.jpg")
    task = FolderTask(path=Path(tmp_path), copies="allow")
    assert task.read("test", [0])[0].shape == (256, 320, 3)
    assert task.read_reduced("test", [0, 1], 32)[1].shape == (64, 80, 3)


def test_deep_grey_is_not_widened() -> None:
    """An image of 80 million pixels would take gigabytes in 64 bits."""
    import tracemalloc

    side = 1000
    values = np.arange(side * side, dtype=np.uint32).reshape(side, side).astype(np.uint16)
    data = saved(Image.fromarray(values), "PNG")
    tracemalloc.start()
    try:
        pixels = decode_bytes(data, "x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(pixels[..., 0], values >> 8)
    assert peak < 10 * side * side
