"""Images as JPEG files in one file: read like an array, gone on with after an interruption."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from distbench.storage.jpegs import JpegFile, JpegRows, as_kept, ends_of


@pytest.fixture
def pictures() -> np.ndarray:
    patches = np.random.default_rng(0).integers(0, 256, (50, 5, 5, 3))
    return np.kron(patches, np.ones((1, 8, 8, 1))).astype(np.uint8)  # (50, 40, 40, 3)


def written(path: Path, pictures: np.ndarray) -> JpegFile:
    file = JpegFile(path, pictures.shape[1])
    for start in range(0, len(pictures), 21):
        file.append(pictures[start : start + 21])
    file.close()
    return file


def test_it_is_read_like_an_array(tmp_path: Path, pictures: np.ndarray) -> None:
    file = written(tmp_path / "a.jpegs", pictures)
    assert file.sha256 == hashlib.sha256((tmp_path / "a.jpegs").read_bytes()).hexdigest()
    rows, wanted = JpegRows(tmp_path / "a.jpegs", 40), as_kept(pictures, "jpeg")
    assert (rows.shape, rows.dtype, len(rows)) == (wanted.shape, wanted.dtype, 50)
    mask = np.arange(50) % 7 == 0
    for key in (3, -1, np.int64(7), slice(2, 45), slice(None), np.array([9, 0, 9]), mask, [4, 2]):
        np.testing.assert_array_equal(rows[key], wanted[key])
    assert rows[np.array([], dtype=np.int64)].shape == (0, 40, 40, 3)
    with pytest.raises(IndexError):
        rows[50]
    assert 0 < np.abs(wanted.astype(int) - pictures).mean() < 8, "the same pictures, but for JPEG"
    assert as_kept(pictures, "pixels") is pictures
    assert (tmp_path / "a.jpegs").stat().st_size < pictures.nbytes / 3


def test_what_was_safe_is_kept(tmp_path: Path, pictures: np.ndarray) -> None:
    whole, half = tmp_path / "whole.jpegs", tmp_path / "half.jpegs"
    written(whole, pictures)
    file = JpegFile(half, 40)
    file.append(pictures[:30])
    file.flush()
    file.append(pictures[30:40])  # written, but not known to be safe
    with pytest.raises(ValueError, match="side 40"):
        file.append(pictures[:2, :30, :30])
    file.stop()
    again = JpegFile(half, 40, keep=30)
    again.append(pictures[30:])
    again.close()
    assert again.sha256 is None
    assert half.read_bytes() == whole.read_bytes()
    assert ends_of(half).read_bytes() == ends_of(whole).read_bytes()
