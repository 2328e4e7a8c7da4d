"""Decoding a task into its arrays: order, sizes, what is skipped, and what memory it takes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import UNLABELLED, CorruptImageError, DataError, Part, TaskIndex, decode_images
from distbench.engine.stages import decode as stage
from distbench.engine.stages.decode import fit, read_good
from distbench.engine.stages.prepare import open_images, prepare
from distbench.storage.npy import RowFile, convert


class Pictures:
    """A task whose image number i of a part is of one colour, in a size of its own."""

    name = "pictures"

    def __init__(self, train: int = 200, bad: tuple[int, ...] = (), side: int = 12) -> None:
        self.counts = {"train": train, "test": 7, "validation": 5}
        self.bad, self.side = bad, side
        self.most, self._open, self._lock = 0, 0, threading.Lock()

    def index(self) -> TaskIndex:
        parts = {
            name: Part(
                np.arange(count) % 3 - (name == "train"), [f"{name}-{i}" for i in range(count)]
            )
            for name, count in self.counts.items()
        }
        return TaskIndex(("a", "b", "c"), parts, "x")

    def read(self, part, positions):
        with self._lock:
            self._open += len(positions)
            self.most = max(self.most, self._open)
        try:
            return [self._one(part, p) for p in positions]
        finally:
            with self._lock:
                self._open -= len(positions)

    def read_reduced(self, part, positions, side):
        return self.read(part, positions)

    def _one(self, part, position):
        if part == "train" and position in self.bad:
            raise CorruptImageError(f"train-{position}", "cut short")
        shape = (self.side + position % 5, self.side + position % 3, 3)
        return np.full(shape, (position * 7 + len(part)) % 256, dtype=np.uint8)


class Reducing(Pictures):
    """Offers smaller images."""

    def read_reduced(self, part, positions, side):
        self.asked = side
        return [image[: 2 * side, : 2 * side] for image in self.read(part, positions)]


def colours(part: str, positions) -> list[int]:
    return [(p * 7 + len(part)) % 256 for p in positions]


def prepared(task, folder: Path, size: int = 8, **options):
    folder.mkdir()
    prepare(task, size, folder, **options)
    return open_images(folder)


def test_order_labels_and_given_validation(tmp_path):
    found = prepared(Pictures(), tmp_path / "a")
    assert found.train.shape == (205, 8, 8, 3)
    wanted = colours("train", range(200)) + colours("validation", range(5))
    assert found.train[:, 4, 4, 1].tolist() == wanted
    assert found.test[:, 0, 0, 0].tolist() == colours("test", range(7))
    labels = np.concatenate([np.arange(200) % 3 - 1, np.arange(5) % 3])
    assert found.train_labels.tolist() == labels.tolist()
    assert found.train_labels[0] == UNLABELLED
    assert found.given_validation.tolist() == [200, 201, 202, 203, 204]
    assert found.skipped == ()


def test_corrupt_images_are_skipped_or_stop_everything(tmp_path):
    task = Pictures(bad=(0, 66, 199))
    with pytest.raises(CorruptImageError, match="train-0"):
        prepared(task, tmp_path / "a")
    found = prepared(task, tmp_path / "b", skip_corrupt=True)
    kept = [i for i in range(200) if i not in task.bad]
    wanted = colours("train", kept) + colours("validation", range(5))
    assert found.skipped == ("train-0", "train-66", "train-199")
    assert found.train[:, 0, 0, 0].tolist() == wanted
    assert found.given_validation.tolist() == list(range(197, 202))
    assert len(found.train_labels) == len(found.train)
    assert (tmp_path / "b" / "train.npy").stat().st_size == 128 + 202 * 8 * 8 * 3


def test_no_pixels_are_invented(tmp_path):
    found = prepared(Pictures(side=4), tmp_path / "a", size=64)
    assert found.train.shape[1:] == (6, 6, 3)


def test_few_large_images_are_held_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "usable_cores", lambda: 4)
    many, few = Pictures(), Pictures()
    first = prepared(many, tmp_path / "a")
    monkeypatch.setattr(stage, "_AT_ONCE", 2 * 16 * 14 * 3)
    second = prepared(few, tmp_path / "b")
    assert few.most <= 4 * 2 < 64 <= many.most
    assert (first.train == second.train).all()


def test_tasks_may_offer_smaller_images(tmp_path):
    plain, reducing = Pictures(side=32), Reducing(side=32)
    found = prepared(reducing, tmp_path / "a", size=8)
    assert reducing.asked == 8
    assert (found.train == prepared(plain, tmp_path / "b", size=8).train).all()
    images, kept = read_good(reducing, [3, 1], False, 4)
    assert reducing.asked == 4
    assert [image.shape for image in images] == [(4, 4, 3), (4, 4, 3)]
    assert kept == [3, 1]
    assert read_good(reducing, [3], False)[0][0].shape == (35, 32, 3)
    assert read_good(plain, [3], False, 40)[0][0].shape == (35, 32, 3)


def test_some_images_of_a_part_in_the_order_they_are_asked_for():
    task = Pictures(bad=(66,))
    positions = [*range(199, 60, -1), 3]
    chunks = list(decode_images(task, "train", positions, 8, skip_corrupt=True))
    kept = [position for some, _ in chunks for position in some]
    assert kept == [p for p in positions if p != 66]
    pixels = np.concatenate([images for _, images in chunks])
    assert pixels.shape == (139, 8, 8, 3)
    assert pixels[:, 4, 4, 0].tolist() == colours("train", kept)
    with pytest.raises(CorruptImageError, match="train-66"):
        list(decode_images(task, "train", positions, 8))


def test_good_images_and_their_positions():
    images, kept = read_good(Pictures(bad=(1,)), [0, 1, 2], True)
    assert (len(images), kept) == (2, [0, 2])
    with pytest.raises(CorruptImageError):
        read_good(Pictures(bad=(1,)), [0, 1, 2], False)


def test_fit_keeps_the_centre():
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = 255
    assert (fit(image, 10) == 255).all()
    assert fit(image, 5).shape == (5, 5, 3)
    assert fit(image[:1], 4).shape == (4, 4, 3)


STRIPS = [(1, 20000), (20000, 1), (1, 65), (3, 1001), (1001, 3), (49, 3200), (3199, 49), (20, 1999)]


@pytest.mark.parametrize("size", STRIPS)
@pytest.mark.parametrize("side", [1, 16, 33, 256])
def test_a_strip_costs_no_more_than_its_centre(
    size: tuple[int, int], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is resized is as large as what is kept; the pixels are those of the long way."""
    image = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    resized: list[tuple[int, int]] = []
    resize = Image.Image.resize

    def seen(self: Image.Image, to: tuple[int, int], *more: object) -> Image.Image:
        resized.append(to)
        return resize(self, to, *more)

    monkeypatch.setattr(Image.Image, "resize", seen)
    kept = fit(image, side)
    assert all(width * height <= side * side for width, height in resized)
    if side < 256:
        monkeypatch.setattr("distbench.engine.stages.decode.STRIP", 10**9)
        assert np.abs(kept.astype(int) - fit(image, side)).max() <= 1


@pytest.mark.parametrize("ratio", [1, 2, 16, 64])
def test_what_is_no_strip_keeps_its_pixels_to_the_bit(ratio: int) -> None:
    image = np.random.default_rng(3).integers(0, 256, (7, 7 * ratio, 3), dtype=np.uint8)
    whole = Image.fromarray(image).resize((12 * ratio, 12), Image.Resampling.BILINEAR)
    left = (12 * ratio - 12) // 2
    assert np.array_equal(fit(image, 12), np.asarray(whole)[:, left : left + 12])


def test_rows_of_an_array_file(tmp_path):
    values = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    np.save(tmp_path / "plain.npy", values)
    for expected in (4, 9, 1000):
        with RowFile(tmp_path / "rows.npy", (expected, 2, 3), np.uint8) as file:
            file.append(values[:1])
            file.append(values[1:])
        assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "plain.npy").read_bytes()
    with (
        pytest.raises(ValueError, match="rows of shape"),
        RowFile(tmp_path / "x.npy", (4, 2, 2), np.uint8) as file,
    ):
        file.append(values)
    convert(tmp_path / "rows.npy", tmp_path / "half.npy", np.float16, rows=3)
    half = np.load(tmp_path / "half.npy")
    assert half.dtype == np.float16
    assert (half == values).all()


def test_an_array_file_goes_on_where_it_was_left(tmp_path):
    values = np.arange(40, dtype=np.float32).reshape(10, 4)
    file = RowFile(tmp_path / "x.npy", (10, 4), np.float32)
    file.append(values[:7])
    file.stop()
    with RowFile(tmp_path / "x.npy", (10, 4), np.float32, keep=5) as file:
        file.append(values[5:])
    assert (np.load(tmp_path / "x.npy") == values).all()


_MEASURE = """
import sys
from pathlib import Path
import numpy as np
from distbench import Part, TaskIndex
from distbench.engine.stages.prepare import prepare

class Many:
    name = "many"
    def __init__(self, count): self.count = count
    def index(self):
        parts = {n: Part(np.zeros(c, np.int64), range(c)) for n, c in
                 (("train", self.count), ("test", 1))}
        return TaskIndex(("a", "b"), parts, "x")
    def read_reduced(self, part, positions, side):
        return [np.zeros((128, 128, 3), np.uint8) for _ in positions]

def peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024

prepare(Many(600), 128, Path(sys.argv[1]))
before = peak()
prepare(Many(6000), 128, Path(sys.argv[1]))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
def test_memory_does_not_grow_with_the_data(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert (tmp_path / "train.npy").stat().st_size > 280 * 2**20
    assert int(done.stdout) < 64


class Stopping(Pictures):
    """Is interrupted at an image, once; counts what is read."""

    def __init__(self, at: int, **more) -> None:
        super().__init__(**more)
        self.at, self.read_of = at, {"train": 0, "test": 0, "validation": 0}

    def _one(self, part, position):
        self.read_of[part] += 1
        if part == "train" and position == self.at:
            raise DataError("the disk is away")
        return super()._one(part, position)


@pytest.mark.parametrize("bad", [(), (3, 70, 131, 199)])
@pytest.mark.parametrize("store", ["pixels", "jpeg"])
def test_an_interruption_loses_little(tmp_path, monkeypatch, bad, store):
    monkeypatch.setattr(stage, "usable_cores", lambda: 1)
    whole = prepared(Pictures(bad=bad), tmp_path / "whole", skip_corrupt=True, store=store)
    task, unfinished = Stopping(at=150, bad=bad), tmp_path / "unfinished"
    with pytest.raises(DataError, match="the disk is away"):
        prepared(task, tmp_path / "a", skip_corrupt=True, unfinished=unfinished, store=store)
    task.at, task.read_of["train"] = -1, 0
    found = prepared(task, tmp_path / "b", skip_corrupt=True, unfinished=unfinished, store=store)
    # A sample of 64 is looked at for its size, and of 200 images 128 were safe.
    assert task.read_of["train"] <= 64 + 200 - 128 + 64 * len(bad)
    for name in ("train", "train_labels", "given_validation", "test", "test_labels"):
        assert np.array_equal(getattr(found, name)[:], getattr(whole, name)[:]), name
    assert found.skipped == whole.skipped == tuple(f"train-{i}" for i in bad)
    names = [f.name for f in (tmp_path / "whole").glob("[!.]*") if f.suffix != ".json"]
    assert ("train.ends" if store == "jpeg" else "train.npy") in names
    for name in names:
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_was_begun_at_another_size_is_begun_anew(tmp_path):
    unfinished = tmp_path / "unfinished"
    prepared(Pictures(), tmp_path / "a", size=6, unfinished=unfinished)
    found = prepared(Pictures(), tmp_path / "b", size=8, unfinished=unfinished)
    assert found.train.shape == (205, 8, 8, 3)
    (unfinished / "train.progress.json").write_text("{")
    again = prepared(Pictures(), tmp_path / "c", size=8, unfinished=unfinished)
    assert np.array_equal(again.train, found.train)


def test_a_digest_is_not_taken_by_reading_again(tmp_path, monkeypatch):
    from distbench.storage.artifact_cache import artifacts, verification
    from distbench.storage.hashing import file_digest

    read = []
    monkeypatch.setattr(
        verification, "file_digest", lambda p: read.append(p.name) or file_digest(p)
    )
    cache = artifacts.ArtifactCache(tmp_path)
    folder = cache.build("images", "ab", lambda draft: prepare(Pictures(), 8, draft))
    assert "train.npy" not in read and "facts.json" in read
    assert not list(folder.glob(".*"))
    (folder / next(folder.glob("verified-*")).name).unlink()
    assert cache.get("images", "ab") == folder  # the digests are right
    assert "train.npy" in read
