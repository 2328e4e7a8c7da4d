"""Galleries whose images are decoded whenever they are read: the rows that would be stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from distbench.engine.stages import picked, streamed
from distbench.engine.stages.picked import open_picked, write_picked
from distbench.engine.stages.prepare import ImageSet, open_images, prepare
from distbench.engine.stages.streamed import look_through, open_streamed
from distbench.errors import CorruptImageError
from distbench.interfaces.task import Part, Task, TaskIndex


class Photographs(Task):
    """Images of many shapes, some of them corrupt, in train, validation and test."""

    name: ClassVar[str] = "photographs"
    corrupt: tuple[int, ...] = ()
    asked: list[tuple[str, int]] = []

    def index(self) -> TaskIndex:
        def part(name: str, count: int, first: int) -> Part:
            names = tuple(f"{name}/{i}" for i in range(count))
            return Part(np.arange(count) % 2, names, groups=np.arange(count) // 2 + first)

        parts = {"train": part("train", 150, 0), "validation": part("validation", 20, 0)}
        return TaskIndex(("a", "b"), {**parts, "test": part("test", 10, 0)}, "none")

    def read(self, part: str, positions: Sequence[int]) -> list[NDArray[np.uint8]]:
        images = []
        for position in positions:
            self.asked.append((part, position))
            if part == "train" and position in self.corrupt:
                raise CorruptImageError(f"{part}/{position}", "cut short")
            rng = np.random.default_rng([len(part), position])
            shape = (int(rng.integers(9, 40)), int(rng.integers(9, 40)), 3)
            images.append(rng.integers(0, 256, shape).astype(np.uint8))
        return images


def both(task: Task, tmp_path: Path, store: str, skip: bool) -> tuple[ImageSet, ImageSet]:
    stored, looked = tmp_path / "stored", tmp_path / "looked"
    for folder in (stored, looked):
        folder.mkdir()
    prepare(task, 16, stored, skip_corrupt=skip, store=store)
    look_through(task, 16, looked, tmp_path / "unfinished", skip_corrupt=skip)
    assert sum(path.stat().st_size for path in looked.rglob("*")) < 200
    return open_images(stored), open_streamed(task, 16, looked, store)


@pytest.mark.parametrize("store", ["pixels", "jpeg"])
@pytest.mark.parametrize("corrupt", [(), (0, 78, 149)])
def test_rows_are_those_that_would_be_stored(
    tmp_path: Path, store: str, corrupt: tuple[int, ...]
) -> None:
    stored, there = both(Photographs(corrupt=corrupt), tmp_path, store, skip=bool(corrupt))
    assert there.train.shape == stored.train.shape == (170 - len(corrupt), 16, 16, 3)
    assert there.skipped == stored.skipped == tuple(f"train/{i}" for i in corrupt)
    for name in ("train_labels", "given_validation", "train_groups"):
        assert np.array_equal(getattr(there, name), getattr(stored, name)), name
    keys: list[Any] = [slice(None), slice(100, 260), np.array([160, 3, 160]), 5, slice(0, 0)]
    for key in keys:
        assert np.array_equal(there.train[key], stored.train[key]), key


def test_a_corrupt_image_stops_whoever_reads_it(tmp_path: Path) -> None:
    task = Photographs(corrupt=(77,))  # not in the sample by which the size is found
    look_through(task, 16, tmp_path, tmp_path / "unfinished", skip_corrupt=False)
    images = open_streamed(task, 16, tmp_path, "pixels").train
    assert len(images[:77]) == 77
    with pytest.raises(CorruptImageError, match="train/77"):
        images[64:128]


def test_looking_goes_on_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = streamed.decoded

    def cut(*given: Any) -> Any:
        for number, chunk in enumerate(whole(*given)):
            if number == 2:
                raise KeyboardInterrupt
            yield chunk

    task = Photographs(corrupt=(5,))
    monkeypatch.setattr(streamed, "decoded", cut)
    with pytest.raises(KeyboardInterrupt):
        look_through(task, 16, tmp_path, tmp_path / "unfinished", skip_corrupt=True)
    monkeypatch.setattr(streamed, "decoded", whole)
    monkeypatch.setattr(streamed, "sample", lambda *_: (16, 8))
    task.asked.clear()
    look_through(task, 16, tmp_path, tmp_path / "unfinished", skip_corrupt=True)
    assert min(position for part, position in task.asked if part == "train") == 128
    assert open_streamed(task, 16, tmp_path, "pixels").skipped == ("train/5",)


def test_picked_rows_lie_where_they_lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picked, "_BLOCK", 2)
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3)).astype(np.uint8)
    positions = np.array([1, 4, 5, 6, 8])
    write_picked(images, positions, tmp_path)
    rows = open_picked(tmp_path, len(images))
    assert (len(rows), rows.shape) == (9, images.shape)
    assert len(np.load(tmp_path / "images.npy")) == 5
    for some in ([8, 1, 1, 5], slice(4, 7), 6):
        assert np.array_equal(rows[some], images[some])
    for some in ([1, 2], slice(0, 2), 7, -1, 9):
        with pytest.raises(IndexError, match="of the gallery was not retrieved"):
            rows[some]
