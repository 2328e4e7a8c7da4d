"""Rows of the next batch, read beforehand: the same rows, in the same order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import Stream
from distbench.engine.training import read_ahead
from distbench.engine.training.read_ahead import RowReader
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.streams import BatchStream
from distbench.storage import npy

CPU = torch.device("cpu")


def batches(images: np.ndarray, targets: np.ndarray, **more: Any) -> list[tuple[Any, ...]]:
    stream = Stream(
        positions=np.arange(3, 30), batch=4, views=["weak"], targets={"x": targets}, **more
    )
    drawn = BatchStream(stream, TrainingSetting(images, 6, CPU), 1)
    found = [next(drawn) for _ in range(20)]
    return [(b.positions.tolist(), b.views["weak"], b.targets["x"]) for b in found]


@pytest.mark.parametrize("more", [{}, {"drop_last": True}, {"weights": np.arange(27.0) + 1}])
def test_the_batches_stay(
    more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    targets = rng.normal(size=(30, 5)).astype(np.float16)
    wanted = batches(images, targets, **more)
    monkeypatch.setattr(npy, "_LARGE", 100)
    files = {}
    for name, array in (("images", images), ("targets", targets)):
        np.save(tmp_path / f"{name}.npy", array)
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    used: list[bool] = []
    gather = RowReader._gather

    def counted(self: RowReader, positions: np.ndarray) -> Any:
        import threading

        used.append(threading.current_thread() is not threading.main_thread())
        return gather(self, positions)

    monkeypatch.setattr(RowReader, "_gather", counted)
    found = batches(files["images"], files["targets"], **more)
    for one, other in zip(wanted, found, strict=True):
        assert one[0] == other[0]
        assert torch.equal(one[1], other[1])
        assert torch.equal(one[2], other[2])
        assert other[2].dtype == torch.float32
    assert any(used) == ("weights" not in more)


def test_small_arrays_are_read_when_they_are_wanted() -> None:
    reader = RowReader({"a": np.arange(6)}, frozenset(), CPU)
    assert not reader.ahead
    reader.expect(np.array([1, 2]))
    assert reader._next is None
    assert reader.rows(np.array([4, 4]))["a"].tolist() == [4, 4]


def test_an_error_of_reading_is_raised_where_the_rows_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = RowReader({"a": np.arange(6)}, frozenset({"a"}), CPU)
    reader.ahead = True
    reader.expect(np.array([99]))
    with pytest.raises(IndexError):
        reader.rows(np.array([99]))
    assert reader.rows(np.array([1]))["a"].dtype == torch.float32
    assert read_ahead._reading._max_workers == 4
