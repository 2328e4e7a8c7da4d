"""The images of the embedded suite: the same everywhere, balanced, disjoint and distinct."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from distbench_builtin.shared.mini import drawing as mini
from distbench_builtin.shared.mini.drawing.catalogue import FAMILIES, SLICES
from distbench_builtin.shared.mini.drawing.classes import class_rows, slice_of

FINGERPRINTS = {
    "cifar10": "3be307168252ea29",
    "cub": "4ba0fa5863872333",
    "chestx": "e88cc0f82a1159c1",
    "eurosat": "659cf802f6003e49",
    "isic": "f63b32e75a1c29a3",
    "nabirds": "28044a4efdb66291",
    "pets": "60c49be897756986",
    "dogs": "f6609cbca1f0a236",
    "dev-objects": "47e2f23f2c9a2802",
    "dev-birds": "d7330cef95888984",
    "dev-land": "567ffa724405e3d8",
    "dev-skin": "28fb25bab0db6102",
    "source-birds": "076e085b00828bf5",
    "source-dogs": "cb2ea254dc9e08a0",
    "source-cats": "8be3aa5e1a4de5f8",
    "source-objects": "cfd796387e69173b",
    "source-clutter": "401b6b69c863eacc",
    "source-textures": "78ea819b32d6ebe6",
    "source-glyphs": "e47490fed3e4cb67",
    "general": "418ac2f2aff65d3b",
}

_CHILD = """
import sys
from distbench_builtin.tasks import mini
sys.stdout.write("\\n".join(f"{name} {mini.fingerprint(name)[:16]}" for name in mini.DATASETS))
"""


def _dispatched_features() -> list[str]:
    """Processor features that NumPy has extra code for and this machine has."""
    umath = pytest.importorskip("numpy._core._multiarray_umath")
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]


def test_every_dataset_has_a_stored_fingerprint() -> None:
    assert list(FINGERPRINTS) == list(mini.DATASETS)


@pytest.mark.parametrize("dataset", mini.DATASETS)
def test_fingerprints_are_the_stored_ones(dataset: str) -> None:
    assert mini.fingerprint(dataset)[:16] == FINGERPRINTS[dataset]


@pytest.mark.slow
def test_fingerprints_do_not_depend_on_processor_features() -> None:
    features = _dispatched_features()
    if not features:
        pytest.skip("NumPy uses no processor-specific code on this machine")
    source = Path(mini.__file__).parents[4]
    environment = {
        **os.environ,
        "NPY_DISABLE_CPU_FEATURES": " ".join(features),
        "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], env=environment, capture_output=True, text=True, check=True
    )
    assert dict(line.split() for line in done.stdout.splitlines()) == FINGERPRINTS


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["cub", "chestx", "general"])
def test_a_range_of_images_is_part_of_a_longer_one(dataset: str) -> None:
    longer = mini.images(dataset, "test", 150)
    assert longer.shape == (150, 32, 32, 3)
    assert longer.dtype == np.uint8
    np.testing.assert_array_equal(mini.images(dataset, "test", 70), longer[:70])
    np.testing.assert_array_equal(mini.images(dataset, "test", 40, start=50), longer[50:90])
    assert mini.images(dataset, "test", 0, start=5).shape == (0, 32, 32, 3)
    np.testing.assert_array_equal(
        mini.labels(dataset, "test", 90), mini.labels(dataset, "test", 150)[:90]
    )


@pytest.mark.parametrize("dataset", mini.DATASETS)
def test_labels_are_balanced_and_shuffled(dataset: str) -> None:
    classes = mini.DATASETS[dataset].n_classes
    labels = mini.labels(dataset, "train", 3 * classes + 2)
    assert labels.dtype == np.int64
    counts = np.bincount(labels, minlength=classes)
    assert counts.shape == (classes,)
    assert counts.max() - counts.min() <= 1
    assert (labels[:classes] != labels[classes : 2 * classes]).any()


@pytest.mark.parametrize("dataset", ["cifar10", "general"])
def test_train_and_test_differ(dataset: str) -> None:
    train, test = (mini.images(dataset, part, 64) for part in ("train", "test"))
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert (mini.labels(dataset, "train", 64) != mini.labels(dataset, "test", 64)).any()


@pytest.mark.parametrize("dataset", mini.DATASETS)
def test_class_names_are_unique(dataset: str) -> None:
    names = mini.class_names(dataset)
    assert len(names) == mini.DATASETS[dataset].n_classes
    assert len(set(names)) == len(names)


def test_sizes_of_the_suite() -> None:
    roles = [spec.role for spec in mini.DATASETS.values()]
    assert [roles.count(role) for role in dict.fromkeys(roles)] == [8, 4, 7, 1]
    assert all(name == spec.name for name, spec in mini.DATASETS.items())
    assert mini.DATASETS["general"].n_classes == 56


def test_no_class_belongs_to_two_datasets() -> None:
    owners: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, spec in mini.DATASETS.items():
        for position, row in class_rows(name):
            key = (spec.groups[position].family, row)
            assert owners.setdefault(key, name) == name


def test_classes_keep_to_the_slice_of_their_dataset() -> None:
    for name, spec in mini.DATASETS.items():
        assert spec.slice in SLICES
        for position, row in class_rows(name):
            group = spec.groups[position]
            family = FAMILIES[group.family]
            values = dict(zip(family.attributes, row, strict=True))
            assert slice_of(family, row) == spec.slice
            assert family.allowed(values)
            assert dict(group.fixed).items() <= values.items()


@pytest.mark.parametrize("dataset", ["cub", "chestx", "eurosat", "isic", "dogs", "source-textures"])
def test_classes_look_different(dataset: str) -> None:
    classes = mini.DATASETS[dataset].n_classes
    pictures = mini.images(dataset, "train", 8 * classes).astype(np.float64)
    labels = mini.labels(dataset, "train", 8 * classes)
    means = np.stack([pictures[labels == target].mean(axis=0) for target in range(classes)])
    for one, two in itertools.combinations(means, 2):
        assert np.abs(one - two).mean() > 2.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: mini.images("cub200", "train", 1),
        lambda: mini.labels("cub200", "train", 1),
        lambda: mini.class_names("cub200"),
        lambda: mini.fingerprint("cub200"),
    ],
)
def test_an_unknown_dataset_is_told_the_known_ones(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"'cub200'; known datasets: cifar10, cub, chestx"):
        call()


def test_bad_parts_and_numbers() -> None:
    with pytest.raises(ValueError, match="'validation'; known parts: train, test"):
        mini.images("cub", "validation", 1)
    with pytest.raises(ValueError, match="must not be negative, got -1 and 0"):
        mini.images("cub", "train", -1)
    with pytest.raises(ValueError, match="must not be negative, got 1 and -2"):
        mini.images("cub", "train", 1, start=-2)
