from __future__ import annotations

import numpy as np
import pytest

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import Part
from distbench.planning.split import draw_probe, joined_groups, split_train

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


def test_groups_stay_on_one_side_and_classes_balanced() -> None:
    y = np.concatenate([labels(24, 24), np.full(12, -1)])
    groups = np.concatenate([np.arange(48) // 4, np.arange(12)])  # 12 patients, also unlabelled
    protocol = Protocol(labelled=0.25, validation=0.2)
    for seed in range(10):
        split = split_train(y, ("a", "b"), protocol, seed, groups=groups)
        assert not set(groups[split.validation]) & set(groups[split.unlabelled])
        assert np.bincount(y[split.validation]).tolist() == [4, 4]
        assert np.bincount(y[split.labelled]).tolist() == [6, 6]
        assert (y[split.validation] >= 0).all()
    alone = np.arange(len(y))
    given = split_train(y, ("a", "b"), protocol, 3, groups=alone)
    usual = split_train(y, ("a", "b"), protocol, 3)
    for part in ("labelled", "unlabelled", "validation"):
        assert np.array_equal(getattr(given, part), getattr(usual, part))


def test_a_group_that_is_a_whole_class_is_not_taken_for_validation() -> None:
    groups = np.repeat([0, 1, 2, 3], [9, 3, 3, 3])
    split = split_train(labels(9, 9), ("a", "b"), Protocol(validation=0.3), 1, groups=groups)
    assert set(split.validation) < set(range(9, 18)) and len(split.validation) == 3


def test_a_probe_has_one_image_of_each_group() -> None:
    y = labels(20, 20, 6)
    groups = np.concatenate([np.arange(40) // 2, np.full(6, 99)])
    probe = draw_probe(y, np.arange(46), 500, 1, groups)
    assert np.bincount(y[probe]).tolist() == [10, 10, 2]
    assert len(set(groups[probe])) == 21
    alone = draw_probe(y, np.arange(46), 30, 1, np.arange(46))
    assert np.array_equal(alone, draw_probe(y, np.arange(46), 30, 1))


def test_groups_of_parts_without_any_are_new() -> None:
    some, none = Part(labels(2), "ab", np.array([7, 7])), Part(labels(2), "cd")
    assert joined_groups([none, none]) is None
    joined = joined_groups([some, none])
    assert joined is not None and joined.tolist() == [7, 7, 8, 9]
