"""What is shipped sees an image exactly as evaluation does."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from distbench import Task
from distbench.engine.stages.decode import fit
from distbench.engine.training.batches import to_batch
from distbench.plugins.registry import registry
from distbench.workflows.export.fit import FIT
from distbench.workflows.export.preprocessing import FromPixels, Preprocessing, normalised


@pytest.mark.parametrize(
    "size",
    [
        *((37, 50), (50, 37), (16, 16), (16, 40), (9, 200), (8, 8), (333, 7)),
        *((1, 64), (1, 65), (3, 1001), (2000, 5), (1, 20000), (20000, 1), (20, 1999)),
    ],
)
def test_the_shipped_source_text_is_what_prepare_does(size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert np.array_equal(shipped(Image.fromarray(image)), fit(image, 16))


def shipped(image: Image.Image, *bits: int) -> np.ndarray:
    there: dict[str, Any] = {"np": np, "Image": Image, "ImageOps": ImageOps}
    exec(FIT, there)
    return there["fit"](image, 16, *bits)


def drawn(kind: str) -> bytes:
    """A file that a decoder can get wrong."""
    rng, file = np.random.default_rng(3), io.BytesIO()
    noise = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    if kind == "large, turned JPEG":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(noise).save(file, "JPEG", exif=exif)
    elif kind == "transparent":
        shown = np.dstack([noise, rng.integers(0, 256, (150, 200), dtype=np.uint8)])
        Image.fromarray(shown, "RGBA").save(file, "PNG")
    elif kind == "transparent palette":
        Image.fromarray(noise).quantize(16).save(file, "PNG", transparency=3)
    elif kind == "deep grey":
        deep = rng.integers(0, 2**16, (150, 200), dtype=np.uint16)
        Image.fromarray(deep).save(file, "PNG")
    else:
        Image.fromarray(noise[..., 0]).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "kind", ["large, turned JPEG", "transparent", "transparent palette", "deep grey", "grey"]
)
def test_files_are_decoded_as_image_tasks_do_it(kind: str, tmp_path: Path) -> None:
    for part in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "x.img.png").write_bytes(drawn(kind))
    task = cast(Task, registry().make("task", f"folder:path={tmp_path},copies=allow"))
    seen = fit(task.read_reduced("test", [0], 16)[0], 16)
    assert np.array_equal(shipped(Image.open(io.BytesIO(drawn(kind)))), seen)


def deep(root: Path) -> Path:
    """Images that use 12 of 16 bits, each with one pixel that uses them all."""
    for number, part in enumerate(("train/a", "train/b", "test/a", "test/b")):
        (root / part).mkdir(parents=True)
        values = np.random.default_rng(number).integers(0, 4096, (40, 50), dtype=np.uint16)
        values[3, 4] = 65535
        Image.fromarray(values).save(root / part / "x.png")
    return root


def test_dim_images_are_scaled_as_their_task_does_it(tmp_path: Path) -> None:
    root = deep(tmp_path / "d")
    task = cast(Task, registry().make("task", f"folder:path={root},bits=12"))
    assert task.deep_bits() == 12
    seen = fit(task.read_reduced("test", [0], 16)[0], 16)
    assert np.array_equal(shipped(Image.open(root / "test/a/x.png"), 12), seen)
    dark = shipped(Image.open(root / "test/a/x.png"))
    assert dark.mean() < seen.mean() / 8
    words = " ".join(Preprocessing(16, 16, (0, 0, 0), (1, 1, 1), 12).steps())
    assert "of 16 bits the upper 8 of the lower 12 (larger values as 255)" in words


def test_deep_colours_are_not_scaled_wrongly(
    deep_png: Callable[..., bytes], deep_tiff: Callable[..., bytes]
) -> None:
    colours, grey = (
        np.random.default_rng(0).integers(0, 4096, (9, 7, channels)) for channels in (4, 2)
    )
    for data in (deep_png(colours[..., :3]), deep_tiff(colours), deep_png(grey)):
        with pytest.raises(ValueError, match="give it such images as 8-bit ones"):
            shipped(Image.open(io.BytesIO(data)), 12)
        assert shipped(Image.open(io.BytesIO(data))).shape == (16, 16, 3)
    plain = io.BytesIO()
    Image.new("RGB", (20, 20), (9, 8, 7)).save(plain, "PNG")
    assert shipped(Image.open(plain), 12)[0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("size", [16, 12, 7, 24])
def test_both_ways_of_resizing_are_that_of_evaluation(size: int) -> None:
    steps = Preprocessing(16, size, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    stored = np.random.default_rng(2).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    pixels = torch.from_numpy(stored).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (steps.mean, steps.std))
    wanted = (to_batch(stored, size, torch.device("cpu")) - mean) / std
    assert torch.allclose(normalised(pixels, steps), wanted, atol=1e-6)
    whole = FromPixels(torch.nn.Identity(), steps)
    assert torch.allclose(whole(pixels), wanted, atol=1e-5)
    assert ("resize to" in " ".join(steps.steps())) == (size != 16)


def test_values_that_mean_something_else_mean_it_to_the_shipped_source_too(
    white_is_zero: Callable[..., bytes], bmp: Callable[..., bytes]
) -> None:
    from distbench_builtin.shared.images.decode import decode_bytes

    rng = np.random.default_rng(0)
    negative = white_is_zero(rng.integers(0, 65536, (20, 20), dtype=np.uint16))
    empty = bmp(rng.integers(0, 256, (20, 20, 4), dtype=np.uint8) * np.uint8([1, 1, 1, 0]))
    for data in (negative, empty):
        seen = fit(decode_bytes(data, "x"), 16)
        assert np.array_equal(shipped(Image.open(io.BytesIO(data))), seen)
