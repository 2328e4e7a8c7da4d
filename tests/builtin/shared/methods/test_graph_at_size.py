"""Graphs of many images, against those in which all are compared with all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from distbench.plugins.registry import registry
from distbench_builtin.distillers import label_propagation
from distbench_builtin.shared.methods import graph as _graph
from distbench_builtin.shared.methods import graph_at_size as _at_size
from distbench_builtin.shared.methods.graph import joint_features, neighbour_graph, propagate
from distbench_builtin.shared.methods.graph_at_size import joint_table, near_graph, spread_targets
from distbench_builtin.shared.numerics import near_pairs as _near_pairs
from distbench_builtin.shared.numerics.near_pairs import all_pairs, near_cells

CPU = torch.device("cpu")


@pytest.fixture
def images() -> tuple[list[np.ndarray], np.ndarray]:
    """Features of two sources that tell 12 classes apart, and the classes."""
    draw = np.random.default_rng(0)
    classes = draw.integers(0, 12, 600)
    centres = draw.normal(size=(12, 20))
    good = centres[classes] * 2 + draw.normal(size=(600, 20))
    return [good.astype(np.float32), draw.normal(size=(600, 4)).astype(np.float32)], classes


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and cells so small that there are several, and tables that lie in files."""
    monkeypatch.setattr(_near_pairs, "_MEMBERS", 20)
    monkeypatch.setattr(_near_pairs, "_BLOCK", 1000)
    monkeypatch.setattr(_at_size, "_ROWS", 70)
    monkeypatch.setattr(_at_size, "_COLUMNS", 600 * 5)
    monkeypatch.setattr(_at_size, "_IN_MEMORY", 0)


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, wanted, strict=True)]
    return float(np.sum(shared)) / wanted.size


def test_all_cells_are_all_pairs(images: Any, small: None) -> None:
    x = joint_features(images[0], [0.6, 0.4], np.arange(600))
    columns, cosines = near_cells(x, 6, None, seed=1, probes=100)
    wanted, exactly = all_pairs(x, 6, CPU)
    np.testing.assert_allclose(cosines, exactly, atol=1e-5)
    assert recall(columns, wanted) > 0.999
    assert not (columns == np.arange(600)[:, None]).any(), "nobody is a neighbour of its own"
    graph = neighbour_graph(x, 6)
    assert abs(neighbour_graph(x, 6, CPU) - graph).max() < 1e-6


def test_near_cells_find_most_and_always_the_same(small: None) -> None:
    x = np.random.default_rng(0).normal(size=(600, 5)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    wanted, _ = all_pairs(x, 6, CPU)
    few, some = (near_cells(x, 6, None, seed=1, probes=p)[0] for p in (2, 8))
    assert recall(few, wanted) < recall(some, wanted) < 1
    assert recall(some, wanted) > 0.85
    np.testing.assert_array_equal(some, near_cells(x, 6, None, seed=1, probes=8)[0])
    assert (some != near_cells(x, 6, None, seed=2, probes=8)[0]).any()


def test_equal_images_are_each_others_neighbours(small: None) -> None:
    x = np.repeat(np.eye(3, dtype=np.float32), (40, 40, 2), axis=0)
    columns, cosines = near_cells(x, 3, None, seed=0, probes=1)
    np.testing.assert_array_equal(cosines[:80], 1)
    np.testing.assert_array_equal(x[columns[:80]], np.repeat(x[:80, None], 3, axis=1))
    assert np.isfinite(cosines).all(), "an image whose cell has too few has fewer neighbours"
    assert np.isfinite(_graph.joined(columns, cosines).toarray()).all()


@pytest.mark.parametrize("largest", [2**28, 1])
def test_a_table_of_joint_features_is_made_by_pieces(
    images: Any, small: None, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(_graph, "_LARGEST", largest)
    monkeypatch.setattr(_graph, "_LEAST", 16)
    positions = np.arange(3, 590)
    wanted = joint_features(images[0], [0.6, 0.4], positions, seed=5)
    found = joint_table(images[0], [0.6, 0.4], positions, seed=5)
    assert (found.dtype, found.shape[1]) == (np.float16, 24 if largest > 1 else 16)
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_labels_spread_as_over_the_small_graph(images: Any, small: None) -> None:
    features, classes = images
    pool = np.arange(5, 595)
    graph = neighbour_graph(joint_features(features, [0.6, 0.4], pool), 5)
    known = np.arange(0, 590, 12)
    labels = classes[pool][known] % 11  # one of the classes has no label
    found = spread_targets(
        graph, pool, known, labels, 13, spread=0.9, certainty=2.0, rows=600, accelerator=None
    )
    wanted = propagate(graph, known, labels, 13, 0.9)
    wanted[known] = np.eye(13)[labels]
    wanted **= 2
    np.testing.assert_allclose(found[pool], wanted / wanted.sum(1, keepdims=True), atol=1e-5)
    assert not found[:5].any()
    assert not found[595:].any()


def test_a_large_pool_takes_near_cells(
    images: Any, small: None, monkeypatch: pytest.MonkeyPatch, method_context: Any, teachers: Any
) -> None:
    features, classes = images
    sources = [teachers.source(str(i), 0.5, x.tolist()) for i, x in enumerate(features)]
    context = replace(
        teachers.learning_from(method_context, *sources),
        labels=np.where(np.arange(600) < 60, classes, -1),
        labelled=np.arange(60),
        unlabelled=np.arange(590),
        validation=np.arange(590, 600),
        classes=tuple(map(str, range(12))),
    )
    method: Any = registry().make("distiller", "label_propagation:neighbours=5,sharpness=1")
    exact = method.targets(context)
    monkeypatch.setattr(label_propagation, "EXACT", 500)
    found = method.targets(context)
    assert (found != exact).any(), "other neighbours"
    np.testing.assert_array_equal(found[590:], 0)
    assert np.mean(found[:590].argmax(1) == exact[:590].argmax(1)) > 0.97
    np.testing.assert_array_equal(found, method.targets(context))
    graph = near_graph([x.astype(float) for x in features], [1, 1], np.arange(600), 5, 0, None)
    assert (abs(graph - graph.T) > 1e-12).nnz == 0
