"""Spread labels and the sources' own classes, against values by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distbench.plugins.registry import registry


@pytest.fixture
def context(method_context: Any, teachers: Any) -> Any:
    """Two sources that see images 0 and 2 alike, and 1 and 3."""
    near = [[1.0, 0.0], [0.0, 1.0], [1.1, 0.1], [0.1, 1.1], [9.0, 9.0]]
    sources = [teachers.source(name, weight, near) for name, weight in (("a", 0.75), ("b", 0.25))]
    return teachers.learning_from(method_context, *sources)


def test_both_targets_are_mixed_by_share(
    context: Any, teachers: Any, transparent: Any, batch_of: Any
) -> None:
    text = "joint_labels:lam=0.3,share=0.4,temperature=2,head_lr=3,ratio=2"
    method: Any = registry().make("distiller", text)
    (phase,) = method.phases(context)
    with torch.no_grad():
        phase.modules["heads"].weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 1], [1, 0]]))
        phase.modules["heads"].bias.zero_()
    batches = {
        "labelled": batch_of([[1.0, 2.0]], [1]),
        "unlabelled": teachers.with_targets(
            batch_of([[0.5, -0.5]]), a=[[4.0, 0.0]], b=[[0.0, 2.0]], **{"": [[0.25, 0.75]]}
        ),
    }
    own = 0.75 * teachers.cross_entropy(teachers.softmax([2, 0]), [0.5, -0.5])
    own += 0.25 * teachers.cross_entropy(teachers.softmax([0, 1]), [-0.5, 0.5])
    expected = 0.3 * teachers.cross_entropy([0, 1], [1.0, 2.0])
    expected += 0.7 * 0.6 * teachers.cross_entropy([0.25, 0.75], [0.5, -0.5])
    expected += 0.7 * 0.4 * own
    assert phase.loss(transparent, batches).item() == pytest.approx(expected, rel=1e-6)
    assert (phase.head_lr, phase.module_lr) == (3, {"heads": 3})
    assert (phase.streams["labelled"].batch, phase.streams["unlabelled"].batch) == (2, 4)
    assert phase.streams["labelled"].targets == {}


def test_its_spread_labels_are_those_of_label_propagation(context: Any) -> None:
    joint: Any = registry().make("distiller", "joint_labels:neighbours=2")
    alone: Any = registry().make("distiller", "label_propagation:neighbours=2")
    (phase,), (other,) = joint.phases(context), alone.phases(context)
    targets = phase.streams["unlabelled"].targets
    assert set(targets) == {"", "a", "b"}
    np.testing.assert_array_equal(targets[""], other.streams["unlabelled"].targets[""])
    np.testing.assert_array_equal(targets["a"], context.sources[0].embedding.logits)


def test_it_is_trained(toy_options: dict[str, Any], teachers: Any) -> None:
    row = teachers.only(teachers.run(toy_options, "joint_labels:neighbours=3"))
    assert row.cost.teacher_pass_macs > 0
    assert row.result.sources.weights
