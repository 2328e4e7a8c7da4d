from __future__ import annotations

import numpy as np
import pytest

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.planning.split import draw_probe, split_train

CLASSES = ("a", "b", "c")


def labels(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts).astype(np.int64)


def test_parts_are_disjoint_and_stratified() -> None:
    y = labels(50, 30, 20)
    split = split_train(y, CLASSES, Protocol(labelled=0.2, validation=0.1), 1)
    assert np.bincount(y[split.validation]).tolist() == [5, 3, 2]
    assert np.bincount(y[split.labelled]).tolist() == [10, 6, 4]
    assert not np.intersect1d(split.validation, split.unlabelled).size
    assert set(split.labelled) <= set(split.unlabelled)
    assert len(split.unlabelled) + len(split.validation) == 100


def test_small_classes_keep_two_images_for_training() -> None:
    y = labels(2, 3, 20)
    split = split_train(y, CLASSES, Protocol(labelled=0.05, validation=0.4), 1)
    assert np.bincount(y[split.labelled]).tolist() == [2, 2, 2]
    assert np.bincount(y[split.validation], minlength=3).tolist() == [0, 1, 8]


def test_a_count_for_each_class() -> None:
    split = split_train(labels(9, 9, 3), CLASSES, Protocol(labelled="4-per-class", validation=0), 1)
    assert np.bincount(labels(9, 9, 3)[split.labelled]).tolist() == [4, 4, 3]


def test_images_without_label_are_in_the_pool_only() -> None:
    y = np.concatenate([labels(5, 5, 5), np.full(7, -1)])
    split = split_train(y, CLASSES, Protocol(), 1)
    assert set(range(15, 22)) <= set(split.unlabelled)
    assert (y[split.labelled] >= 0).all()


def test_a_given_validation_part_is_taken_as_it_is() -> None:
    y = labels(5, 5, 5)
    split = split_train(y, CLASSES, Protocol(labelled=1.0), 1, np.array([0, 14]))
    assert split.validation.tolist() == [0, 14]
    assert len(split.labelled) == 13


def test_the_seed_decides() -> None:
    y = labels(50, 50, 50)
    first, again, other = (
        split_train(y, CLASSES, Protocol(labelled=0.1), seed).labelled for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_without_labels_is_named() -> None:
    with pytest.raises(DataError, match="class 'b' has no labelled image"):
        split_train(labels(5, 0, 5), CLASSES, Protocol(), 1)


def test_the_probe_is_balanced_and_bounded() -> None:
    y = labels(100, 50, 5)
    probe = draw_probe(y, np.arange(155), 60, 1)
    assert np.bincount(y[probe]).tolist() == [28, 27, 5]
    many = labels(*[3] * 100)
    few = draw_probe(many, np.arange(300), 50, 1)
    assert len(few) == 50
    assert set(np.bincount(many[few], minlength=100)) == {0, 2}
