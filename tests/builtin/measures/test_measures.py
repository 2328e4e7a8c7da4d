"""Measures against values computed another way: by hand, by definition, image by image."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from distbench.errors import Declined
from distbench.plugins.registry import registry

Floats = NDArray[np.float64]
NAMES = sorted(registry().names("measure"))


def value(spec: str, labels: Any, probabilities: Any, predictions: Any = None) -> float:
    given = np.asarray(probabilities, dtype=np.float64)
    known = np.asarray(labels)
    if predictions is None:
        predictions = given.argmax(axis=1) if known.ndim == 1 else (given >= 0.5).astype(int)
    return registry().make("measure", spec).value(known, np.asarray(predictions), given)


@pytest.fixture
def drawn() -> tuple[NDArray[np.int64], Floats]:
    """200 images of 6 classes of unequal size, with probabilities in tenths, so with ties."""
    rng = np.random.default_rng(3)
    labels = rng.choice(6, 200, p=[0.4, 0.2, 0.2, 0.1, 0.06, 0.04])
    logits = rng.normal(size=(200, 6)) + 1.2 * np.eye(6)[labels]
    p = np.exp(logits)
    return labels, np.round(p / p.sum(axis=1, keepdims=True), 1)


def area(shows: NDArray[np.bool_], p: Floats) -> float:
    """The share of pairs of an image that shows it and one that does not, in the right order."""
    pairs = [float(a > b) + 0.5 * float(a == b) for a, b in product(p[shows], p[~shows])]
    return float(np.mean(pairs))


def precision(shows: NDArray[np.bool_], p: Floats) -> float:
    """Average precision by its definition: over thresholds, the gain in recall times precision."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(p.tolist()), reverse=True):
        chosen = p >= threshold
        recall = shows[chosen].sum() / shows.sum()
        total += (recall - before) * shows[chosen].mean()
        before = recall
    return total


def test_accuracies_by_hand() -> None:
    labels, predictions = [0, 0, 0, 1, 2, 2], [0, 0, 1, 1, 0, 0]
    flat = np.full((6, 4), 0.25)
    assert value("accuracy", labels, flat, predictions) == 3 / 6
    assert value("balanced_accuracy", labels, flat, predictions) == pytest.approx(
        (2 / 3 + 1 + 0) / 3
    )
    assert value("worst_class", labels, flat, predictions) == 0.0
    # Class 0: 2 of 4 named, 2 of 3 found; class 1: 1 of 2, 1 of 1; class 2: nothing.
    assert value("f1", labels, flat, predictions) == pytest.approx((4 / 7 + 2 / 3 + 0) / 3)


def test_auroc_and_map_are_those_of_all_pairs_and_thresholds(drawn: Any) -> None:
    labels, p = drawn
    areas = [area(labels == c, p[:, c]) for c in range(6)]
    assert value("auroc", labels, p) == pytest.approx(np.mean(areas), abs=1e-12)
    precisions = [precision(labels == c, p[:, c]) for c in range(6)]
    assert value("map", labels, p) == pytest.approx(np.mean(precisions), abs=1e-12)


def test_auroc_is_half_by_chance_whatever_the_sizes_of_classes() -> None:
    labels = np.repeat([0, 1], [190, 10])
    assert value("auroc", labels, np.full((200, 2), 0.5)) == 0.5
    assert value("map", labels, np.full((200, 2), 0.5)) == pytest.approx((0.95 + 0.05) / 2)


@pytest.mark.parametrize("name", ["auroc", "map"])
def test_where_a_class_is_missing(name: str) -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])
    assert value(name, [0, 1, 0], p) == 1.0, "class 2 does not count"
    with pytest.raises(Declined, match="no class has both images that show it and images that do"):
        value(name, [0, 0, 0], p)


def test_top_k_by_hand() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
    assert value("top5:2", [1, 2, 2], p) == pytest.approx(1 / 3), "of equal ones the lower number"
    measure = registry().make("measure", "top5:2")
    assert measure.hits(np.array([1, 2, 1]), p.argmax(axis=1), p).tolist() == [True, False, True]
    assert (measure.title, measure.label) == ("top-2 accuracy", "top5:2")
    with pytest.raises(Declined, match="there are 3 classes, so any 5 hold the right one"):
        value("top5", [1, 2, 2], p)


def test_nll_by_hand() -> None:
    p = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert value("nll", [0, 0], p) == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert value("nll", [0, 1], np.eye(2)) == 0.0
    assert np.isfinite(value("nll", [1, 0], np.eye(2)))


def test_ece_is_the_sum_over_bins(drawn: Any) -> None:
    labels, p = drawn
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    total = 0.0
    for b in range(15):
        held = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if held.any():
            total += held.mean() * abs(right[held].mean() - confidence[held].mean())
    assert value("ece", labels, p) == pytest.approx(total, abs=1e-12)
    assert value("ece:bins=1", labels, p) == pytest.approx(abs(right.mean() - confidence.mean()))


def test_ece_of_a_calibrated_and_of_a_boasting_student() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    assert value("ece", labels, np.tile([0.8, 0.2], (10, 1))) == pytest.approx(0, abs=1e-12)
    assert value("ece", labels, np.tile([1.0, 0.0], (10, 1))) == pytest.approx(0.2)


def test_several_labels_an_image() -> None:
    rng = np.random.default_rng(5)
    labels, p = (rng.random((60, 3)) < 0.4).astype(int), rng.random((60, 3)).round(1)
    labels[rng.random((60, 3)) < 0.2] = -1
    known = [labels[:, c] >= 0 for c in range(3)]
    shows = [labels[known[c], c] == 1 for c in range(3)]
    own = [p[known[c], c] for c in range(3)]
    for name, by in (("auroc", area), ("map", precision)):
        expected = np.mean([by(s, q) for s, q in zip(shows, own, strict=True)])
        assert value(name, labels, p) == pytest.approx(expected, abs=1e-12)
    f1 = []
    for s, q in zip(shows, own, strict=True):
        named = q >= 0.5
        f1.append(2 * (s & named).sum() / (s.sum() + named.sum()))
    assert value("f1", labels, p) == pytest.approx(np.mean(f1))
    with pytest.raises(Declined, match="no class"):
        value("auroc", np.full((4, 2), -1), np.full((4, 2), 0.5))
    with pytest.raises(Declined, match="no class occurs"):
        value("f1", np.zeros((4, 2), int), np.full((4, 2), 0.1))


@pytest.mark.parametrize("name", NAMES)
def test_what_each_declares(name: str) -> None:
    measure = registry().make("measure", name)
    lower, several = {"ece", "nll"}, {"auroc", "map", "f1"}
    classes = {"accuracy", "balanced_accuracy", "worst_class", "f1"}
    assert measure.higher_is_better is (name not in lower)
    assert measure.kinds == ({"single", "several"} if name in several else {"single"})
    assert measure.needs == {"classes" if name in classes else "probabilities"}
    assert measure.unit == ("plain" if name == "nll" else "percent")
