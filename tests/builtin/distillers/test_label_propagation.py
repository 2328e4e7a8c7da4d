"""Labels that spread over a graph, against slow definitions and values by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench.plugins.registry import registry
from distbench_builtin.shared.methods import graph as _graph
from distbench_builtin.shared.methods.graph import joint_features, neighbour_graph, propagate


@pytest.fixture
def features() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [draw.normal(3, 2, (30, 5)).astype(np.float32), draw.normal(0, 1, (30, 9))]


def test_products_of_joint_features_are_weighted_means(features: list[np.ndarray]) -> None:
    positions = np.arange(3, 23)
    joint = joint_features(features, [3.0, 1.0], positions)
    assert joint.shape == (20, 14)
    wanted = np.zeros((20, 20))
    for x, share in zip(features, (0.75, 0.25), strict=True):
        z = (x[positions] - x[positions].mean(0)) / x[positions].std(0)
        wanted += share * z @ z.T / z.shape[1]
    length = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(joint @ joint.T, wanted / np.outer(length, length), atol=1e-5)


def test_a_wide_table_is_projected(
    features: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = [np.random.default_rng(s).normal(size=(30, 900)).astype(np.float32) for s in (1, 2)]
    exact = joint_features(wide, [1.0, 1.0], np.arange(30))
    monkeypatch.setattr(_graph, "_LARGEST", 1)
    found = joint_features(wide, [1.0, 1.0], np.arange(30), seed=3)
    assert found.shape == (30, 512)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert np.abs(found @ found.T - exact @ exact.T).max() < 0.25
    np.testing.assert_array_equal(found, joint_features(wide, [1.0, 1.0], np.arange(30), seed=3))


def test_the_graph_is_its_slow_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_graph, "_BLOCK", 7)
    x = np.random.default_rng(4).normal(size=(25, 3)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    a = np.zeros((25, 25))
    for i in range(25):
        cosine = x[i] @ x.T
        others = [j for j in np.argsort(-cosine) if j != i][:4]
        a[i, others] = np.maximum(cosine[others], 0) ** 3
    a = a + a.T
    d = a.sum(1)
    np.testing.assert_allclose(
        neighbour_graph(x, 4).toarray(), a / np.sqrt(np.outer(d, d)), atol=1e-6
    )


def test_labels_spread_by_the_closed_form() -> None:
    from scipy.sparse import csr_matrix

    # A chain 0 - 1 - 2 - 3 with labels at its ends, and 4 that nothing reaches.
    a = np.zeros((5, 5))
    for i in range(3):
        a[i, i + 1] = a[i + 1, i] = 1
    d = np.maximum(a.sum(1), 1e-12)
    s = a / np.sqrt(np.outer(d, d))
    known, labels = np.array([0, 3, 3]), np.array([0, 1, 1])
    found = propagate(csr_matrix(s), known, labels, 3, 0.8)
    start = np.zeros((5, 2))
    start[0, 0] = start[3, 1] = 1
    solved = np.linalg.solve(np.eye(5) - 0.8 * s, start)
    solved = solved / solved.sum(0) * np.array([1 / 3, 2 / 3])
    wanted = solved[:4] / solved[:4].sum(1, keepdims=True)
    np.testing.assert_allclose(found[:4, :2], wanted, atol=1e-6)
    np.testing.assert_allclose(found[4], [1 / 3, 2 / 3, 0])
    np.testing.assert_array_equal(found[:, 2], 0)
    assert found[1, 0] > found[2, 0], "nearer to the label of class 0"


@pytest.fixture
def context(method_context: Any, teachers: Any) -> Any:
    """Two sources that see images 0 and 2 alike, and 1 and 3."""
    near = [[1.0, 0.0], [0.0, 1.0], [1.1, 0.1], [0.1, 1.1], [9.0, 9.0]]
    sources = [teachers.source(name, 0.5, near) for name in ("one", "two")]
    return teachers.learning_from(method_context, *sources)


def test_the_loss_by_hand(
    context: Any, teachers: Any, transparent: Any, batch_of: Any, entropy: Any
) -> None:
    method: Any = registry().make("distiller", "label_propagation:lam=0.3,ratio=3,view=weak")
    (phase,) = method.phases(context)
    assert phase.steps == 5
    assert phase.streams["unlabelled"].views == ("weak",)
    assert phase.streams["unlabelled"].batch == 3 * phase.streams["labelled"].batch
    unlabelled = teachers.with_targets(batch_of([[0.0, 1.0]]), **{"": [[0.25, 0.75]]})
    found = phase.loss(
        transparent, {"labelled": batch_of([[1.0, 2.0]], [1]), "unlabelled": unlabelled}
    )
    soft = 0.25 * entropy(0, [0.0, 1.0]) + 0.75 * entropy(1, [0.0, 1.0])
    assert float(found) == pytest.approx(0.3 * entropy(1, [1.0, 2.0]) + 0.7 * soft, rel=1e-6)


def test_targets_follow_what_the_sources_see(context: Any) -> None:
    method: Any = registry().make("distiller", "label_propagation:neighbours=1,certainty=1")
    targets = method.targets(context)
    np.testing.assert_allclose(targets[:2], np.eye(2))
    np.testing.assert_allclose(targets[2:4], np.eye(2), atol=1e-6)
    assert not targets[4].any(), "a validation image is given nothing"
    whole: Any = registry().make("distiller", "label_propagation:neighbours=3,certainty=2")
    soft: Any = registry().make("distiller", "label_propagation:neighbours=3,certainty=1")
    once = soft.targets(context)[2]
    np.testing.assert_allclose(whole.targets(context)[2], once**2 / (once**2).sum(), rtol=1e-5)


def test_it_is_trained_and_deterministic(
    toy_options: dict[str, Any],
    teachers: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = []
    for home in ("one", "two"):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / home))
        rows.append(teachers.only(teachers.run(toy_options, "label_propagation:neighbours=3")))
    assert rows[0].result == rows[1].result
    assert rows[0].cost.teacher_pass_macs > 0
