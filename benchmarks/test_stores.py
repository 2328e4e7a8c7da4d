"""Random batches out of a store of pixels and of one of JPEG files, both in the page cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distbench.storage.jpegs import JpegFile, JpegRows
from distbench.storage.npy import Images

IMAGES, BATCH, SIDE = 512, 64, 256


def pictures() -> np.ndarray:
    """Soft shapes with grain on them, which JPEG finds about as hard as photographs."""
    draw = np.random.default_rng(0)
    pixels = np.empty((IMAGES, SIDE, SIDE, 3), dtype=np.uint8)
    for picture in pixels:
        rough = Image.fromarray(draw.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        soft = np.asarray(rough.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        picture[:] = np.clip(soft + draw.normal(0, 6, soft.shape), 0, 255)
    return pixels


@pytest.mark.parametrize("store", ["pixels", "jpeg"])
def test_images_a_second_out_of_a_store(benchmark: Any, tmp_path: Path, store: str) -> None:
    """What a step of 64 images waits for at most where nothing is read ahead."""
    benchmark.group = "stores"
    pixels = pictures()
    opened: Images
    if store == "jpeg":
        file = JpegFile(tmp_path / "a.jpegs", SIDE)
        file.append(pixels)
        file.close()
        opened = JpegRows(tmp_path / "a.jpegs", SIDE)
    else:
        np.save(tmp_path / "a.npy", pixels)
        opened = np.asarray(np.load(tmp_path / "a.npy", mmap_mode="r"))
    draw = np.random.default_rng(1)

    def positions() -> tuple[tuple[np.ndarray], dict[str, Any]]:
        return (draw.integers(0, IMAGES, BATCH),), {}

    read: Callable[[np.ndarray], np.ndarray] = opened.__getitem__
    benchmark.pedantic(read, setup=positions, rounds=20, warmup_rounds=2)
    size = sum(f.stat().st_size for f in tmp_path.iterdir())
    benchmark.extra_info["images a second"] = round(BATCH / benchmark.stats["median"])
    benchmark.extra_info["kB an image"] = round(size / IMAGES / 1000, 1)
