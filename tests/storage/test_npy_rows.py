"""Rows of arrays on disk, read here and there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distbench.storage import npy
from distbench.storage.npy import RowFile, SomeRows, is_large, randomly_read


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(npy, "_LARGE", 1000)
    np.save(tmp_path / "x.npy", np.arange(4000, dtype=np.float32).reshape(100, 40))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def test_a_large_file_is_mapped_again(mapped: np.ndarray) -> None:
    for array in (mapped, np.asarray(mapped), mapped[:]):
        again = randomly_read(array)
        assert is_large(array)
        assert not np.shares_memory(again, mapped)
        assert np.array_equal(again, mapped)
    assert randomly_read(mapped) is randomly_read(mapped)


def test_what_is_no_whole_file_stays(mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice of a memory map still names the file, and not where in it it begins."""
    for array in (mapped[10:], mapped[:, :20], mapped[::-1], mapped.T, np.array(mapped)):
        assert randomly_read(array) is array
        assert not is_large(array)
    monkeypatch.setattr(npy, "_LARGE", 10**6)
    assert randomly_read(mapped) is mapped


def test_some_rows_are_read_piece_by_piece() -> None:
    class Watched(np.ndarray):
        most = 0

        def __getitem__(self, key: object) -> np.ndarray:
            taken = super().__getitem__(key)
            Watched.most = max(Watched.most, len(taken))
            return np.asarray(taken)

    array = np.arange(60).reshape(20, 3).view(Watched)
    rows = SomeRows(array, np.array([7, 3, 3, 19, 0]))
    assert len(rows) == 5
    assert [rows[i : i + 2].tolist() for i in (0, 2, 4)] == [
        [[21, 22, 23], [9, 10, 11]],
        [[9, 10, 11], [57, 58, 59]],
        [[0, 1, 2]],
    ]
    assert Watched.most == 2


def test_a_digest_is_taken_while_rows_are_written(tmp_path: Path) -> None:
    from distbench.storage.hashing import file_digest

    rows = np.arange(12, dtype=np.int32).reshape(4, 3)
    with RowFile(tmp_path / "a.npy", (4, 3), np.int32) as whole:
        whole.append(rows)
    assert whole.sha256 == file_digest(tmp_path / "a.npy")
    with RowFile(tmp_path / "b.npy", (5, 3), np.int32) as short:
        short.append(rows)
    assert short.sha256 is None  # its header says so in the end
    half = RowFile(tmp_path / "c.npy", (4, 3), np.int32)
    half.append(rows[:2])
    half.stop()
    with RowFile(tmp_path / "c.npy", (4, 3), np.int32, keep=2) as resumed:
        resumed.append(rows[2:])
    assert resumed.sha256 is None
    assert (tmp_path / "c.npy").read_bytes() == (tmp_path / "a.npy").read_bytes()
