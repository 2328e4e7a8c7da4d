"""Labels of a probe whose images may show several classes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

import distbench
from distbench import ArgumentError, Declined, Labels, Metric, Probe
from distbench.engine.stages.score import score
from distbench.interfaces.labels import MultiLabels, labels_of

Y = np.array([[1, 0, 1, 0], [0, 0, 1, 0], [1, -1, 1, 0], [0, 1, 1, 0]])
"""The third class is shown by all images and the fourth by none: both are left out."""


def test_what_metrics_see_of_them() -> None:
    labels = MultiLabels(Y)
    assert labels.several and not Labels([0, 1]).several
    assert labels.array.tolist() == [[1, 0], [0, 0], [1, 0], [0, 1]]  # not known is not shown
    assert labels.onehot.dtype == np.float64 and np.array_equal(labels.onehot, labels.array)
    assert labels.counts.tolist() == [2, 1] and labels.num_classes == 2 and len(labels) == 4
    rows = np.arange(8.0).reshape(4, 2)
    assert labels.class_sums(rows).tolist() == [[0 + 4, 1 + 5], [6, 7]]
    assert np.asarray(labels).tolist() == labels.array.tolist()


@pytest.mark.parametrize("what", ["ids", "order", "starts"])
def test_what_is_of_one_class_an_image_declines(what: str) -> None:
    with pytest.raises(Declined, match="needs images of one class each"):
        getattr(MultiLabels(Y), what)


def test_they_stay_as_they_are() -> None:
    labels = MultiLabels(torch.from_numpy(Y))
    probe = Probe(labels, features=np.ones((4, 2)))
    with pytest.raises(ValueError, match="read-only"):
        labels.array[0, 0] = 5
    assert probe.intact()


def test_a_probe_makes_them_of_a_matrix() -> None:
    assert isinstance(Probe(Y, features=np.ones((4, 1))).labels, MultiLabels)
    assert type(labels_of([0, 1])) is Labels


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([[0.5, 1]]), "integers of shape"),
        (np.array([[2, 0], [0, 1]]), "must be 1, 0 or -1, got 0..2"),
        (np.array([[1, 0], [1, 0]]), "shown by some and not by others"),
    ],
)
def test_what_they_cannot_be(wrong: np.ndarray, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        MultiLabels(wrong)


class Knowing(Metric):
    """Knows of one class an image alone, as all metrics did."""

    def score(self, probe: Probe) -> float:
        return float(probe.labels.ids.sum())


class Several(Metric):
    """Says that it is defined on both."""

    kinds: ClassVar = frozenset({"single", "several"})

    def score(self, probe: Probe) -> float:
        return float(probe.labels.onehot.sum())


def test_a_metric_that_does_not_name_them_declines() -> None:
    facts = distbench.SourceInfo(
        name="one",
        architecture="x",
        num_classes=2,
        feature_dim=1,
        input_size=8,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        fingerprint="x",
    )
    probe = Probe(Y, features=np.ones((4, 1)), source=facts)
    scores = score(Knowing().named("knowing"), [probe])
    assert not scores.values
    assert scores.excluded["one"] == (
        "knowing declined: needs images of one class each, and these may show several"
    )
    assert score(Several().named("several"), [probe]).values == {"one": 3.0}
    with pytest.raises(Declined, match="needs images of one class each"):
        distbench.score("knn", np.ones((4, 1)), Y)
