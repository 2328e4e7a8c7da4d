"""Parts of tasks whose images may show several classes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.planning.multi_split import stratified
from distbench.planning.split import draw_probe, split_train

CLASSES = ("a", "b", "c")


def drawn(seed: int, count: int = 300) -> np.ndarray:
    """Labels of independent classes that half, a fifth and a twentieth of the images show."""
    rng = np.random.default_rng(seed)
    return (rng.random((count, 3)) < (0.5, 0.2, 0.05)).astype(np.int64)


def shown(labels: np.ndarray, positions: np.ndarray) -> list[int]:
    return (labels[positions] == 1).sum(axis=0).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_each_class_has_its_share_of_each_part(seed: int) -> None:
    y = drawn(seed)
    split = split_train(y, CLASSES, Protocol(labelled=0.2, validation=0.1), seed)
    every = y.sum(axis=0)
    assert np.abs(shown(y, split.validation) - 0.1 * every).max() <= 1
    assert np.abs(shown(y, split.labelled) - 0.2 * every).max() <= 2
    assert abs(len(split.validation) - 30) <= 1 and abs(len(split.labelled) - 60) <= 3
    assert not np.intersect1d(split.validation, split.unlabelled).size
    assert set(split.labelled) <= set(split.unlabelled)
    assert len(split.unlabelled) + len(split.validation) == 300
    for part in (split.labelled, split.unlabelled, split.validation):
        assert all(one < other for one, other in pairwise(part.tolist()))


def test_the_rarest_class_is_dealt_first_by_hand() -> None:
    """Three units of the rare class and a half of each: dealt by what is lacked, 1.5 to 1.5."""
    counts = np.array([[1, 1], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1], [0, 0], [0, 0]])
    for seed in range(10):
        taken = stratified(counts, np.ones(8, int), 0.5, np.random.default_rng(seed))
        assert counts[taken].sum(axis=0)[0] in (1, 2)  # 1.5 of three
        assert taken.sum() == 4
        assert counts[taken].sum(axis=0)[1] in (2, 3)  # 2.5 of five


def test_the_seed_decides() -> None:
    y = drawn(0)
    first, again, other = (split_train(y, CLASSES, Protocol(), seed) for seed in (1, 1, 2))
    for part in ("labelled", "validation", "unlabelled"):
        assert np.array_equal(getattr(first, part), getattr(again, part))
    assert not np.array_equal(first.labelled, other.labelled)


def test_a_count_is_reached_for_each_class_and_for_images_that_show_none() -> None:
    y = np.array([[1, 1, 0]] * 9 + [[1, 0, 0]] * 9 + [[0, 0, 1]] * 2 + [[0, 0, 0]] * 9)
    split = split_train(y, CLASSES, Protocol(labelled="4-per-class", validation=0), 1)
    # c has two; four with b, which show a too; four that show none
    assert shown(y, split.labelled) == [4, 4, 2]
    assert len(split.labelled) == 10


def test_two_images_of_a_rare_class_are_labelled_however_small_the_share() -> None:
    y = np.zeros((200, 3), np.int64)
    y[:, 0] = np.arange(200) % 2
    y[:3, 1] = y[10:12, 2] = 1
    split = split_train(y, CLASSES, Protocol(labelled=0.02, validation=0), 1)
    assert shown(y, split.labelled)[1:] == [2, 2]


def test_a_class_is_never_validated_on_alone() -> None:
    y = np.array([[1, 0], [0, 1], [0, 1], [0, 1]])
    for seed in range(8):
        split = split_train(y, ("a", "b"), Protocol(labelled=1.0, validation=0.5), seed)
        assert 0 in split.labelled


def test_images_without_label_are_in_the_pool_only_and_unknown_entries_are_no_obstacle() -> None:
    y = drawn(3, 60)
    y[:10] = -1
    y[20:40, 1] = -1
    split = split_train(y, CLASSES, Protocol(labelled=0.5, validation=0.2), 1)
    assert set(range(10)) <= set(split.unlabelled)
    assert split.labelled.min() >= 10 and split.validation.min() >= 10


def test_groups_are_not_divided() -> None:
    y = drawn(4, 120)
    groups = np.arange(120) // 3
    y[::7] = -1
    split = split_train(y, CLASSES, Protocol(labelled=0.5, validation=0.2), 1, groups=groups)
    assert not np.intersect1d(groups[split.validation], groups[split.unlabelled]).size
    assert len(split.validation) > 10


def test_a_given_validation_part_is_taken_as_it_is() -> None:
    y = drawn(5, 40)
    split = split_train(y, CLASSES, Protocol(labelled=1.0), 1, np.array([0, 39]))
    assert split.validation.tolist() == [0, 39]
    assert len(split.labelled) == 38


def test_a_class_that_no_image_shows_is_named() -> None:
    y = np.array([[1, 0, 0], [0, 1, 0], [1, 1, -1]])
    with pytest.raises(DataError, match="class 'c' is shown by no labelled image"):
        split_train(y, CLASSES, Protocol(), 1)


def test_a_probe_has_all_classes_and_no_image_twice() -> None:
    y = drawn(6)
    labelled = np.arange(0, 300, 2)
    probe = draw_probe(y, labelled, 40, 1)
    assert len(probe) == len(set(probe)) == 40 and set(probe) <= set(labelled)
    rare = int(y[labelled, 2].sum())
    assert shown(y, probe)[2] == rare == 6  # it takes its turn ten times, and has six
    assert np.array_equal(probe, draw_probe(y, labelled, 40, 1))
    assert not np.array_equal(probe, draw_probe(y, labelled, 40, 2))
    assert draw_probe(y, labelled[:20], 40, 1).tolist() == labelled[:20].tolist()
    assert len(draw_probe(y, labelled, 40, 1, np.arange(300) // 10)) == 30  # one of each group


def test_a_probe_is_not_drawn_from_images_without_a_label() -> None:
    y = np.full((4, 2), -1)
    with pytest.raises(ValueError, match="without a label"):
        draw_probe(y, np.arange(4), 2, 0)
