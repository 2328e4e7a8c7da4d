"""The drawn datasets as tasks of the engine."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from distbench import DataError, UsageError
from distbench.plugins.registry import Registry
from distbench_builtin.shared.mini import drawing as mini
from distbench_builtin.tasks.mini import MiniTask

CUB = MiniTask().named("mini-cub")


def test_every_registered_task_is_a_dataset_of_its_own() -> None:
    registry = Registry()
    names = [name for name in registry.names("task") if name.startswith("mini-")]
    assert len(names) == 12
    indices = [registry.make("task", name).index() for name in names]
    assert len({index.fingerprint for index in indices}) == 12
    for name, index in zip(names, indices, strict=True):
        assert index.seen_by == (name,)
        assert mini.DATASETS[name.removeprefix("mini-")].role in ("target", "development")


def test_the_index_tells_classes_labels_and_names() -> None:
    index = CUB.index()
    assert index.classes == mini.class_names("cub")
    assert list(index.parts) == ["train", "test"]
    train, test = index.parts["train"], index.parts["test"]
    assert (len(train), len(test)) == (1200, 1000)
    np.testing.assert_array_equal(train.labels, mini.labels("cub", "train", 1200))
    assert (train.names[17], test.names[999]) == ("train-00017", "test-00999")


def test_the_fingerprint_follows_data_and_sizes() -> None:
    assert CUB.index().fingerprint == MiniTask().named("mini-cub").index().fingerprint
    fewer = MiniTask(test=999).named("mini-cub").index()
    assert fewer.fingerprint != CUB.index().fingerprint
    assert len(fewer.parts["test"]) == 999


def test_the_task_and_the_source_domain_dogs_differ() -> None:
    dogs = MiniTask().named("mini-dogs").index().classes
    assert len(dogs) == 20
    assert not set(dogs) & set(mini.class_names("source-dogs"))


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_are_those_of_their_positions(part: str) -> None:
    wanted = mini.images("cub", part, 140)
    got = CUB.read(part, range(140))
    assert all(image.shape == (32, 32, 3) and image.dtype == np.uint8 for image in got)
    np.testing.assert_array_equal(np.stack(got), wanted)
    scattered = [130, 3, 3, 64, 63]
    np.testing.assert_array_equal(np.stack(CUB.read(part, scattered)), wanted[scattered])
    assert CUB.read(part, []) == []


def test_a_reader_cannot_spoil_the_images_of_another() -> None:
    image = CUB.read("train", [5])[0]
    before = image.copy()
    image[:] = 0
    np.testing.assert_array_equal(CUB.read("train", [5])[0], before)


@pytest.mark.slow
def test_reading_from_many_threads() -> None:
    task = MiniTask().named("mini-pets")
    chunks = [range(start, start + 50) for start in range(0, 400, 50)]
    with ThreadPoolExecutor(8) as pool:
        got = [image for part in pool.map(lambda c: task.read("test", c), chunks) for image in part]
    np.testing.assert_array_equal(np.stack(got), mini.images("pets", "test", 400))


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(DataError, match="mini-cub has no part 'validation', only train and test"):
        CUB.read("validation", [0])
    with pytest.raises(DataError, match="has 1000 test images, but number 1000"):
        CUB.read("test", [1000])
    with pytest.raises(DataError, match="number -1"):
        CUB.read("train", [-1])
    with pytest.raises(UsageError, match=r"'mini_task' is no task of suite mini; .*mini-cub"):
        MiniTask().index()


def test_an_index_needs_no_torch() -> None:
    child = (
        "import sys\nfrom distbench_builtin.tasks.mini import MiniTask\n"
        "MiniTask().named('mini-isic').index()\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0
