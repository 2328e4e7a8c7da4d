from __future__ import annotations

from typing import Any

import pytest

from distbench.plugins.registry import registry


def test_it_is_cross_entropy_on_labelled_images(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    method: Any = registry().make("baseline", "finetune:lr=0.2,head_lr=3,weight_decay=0.01")
    (phase,) = method.phases(method_context)
    found = phase.loss(transparent, {"labelled": batch_of([[1.0, 2.0], [0.0, 3.0]], [0, 1])})
    expected = (entropy(0, [1.0, 2.0]) + entropy(1, [0.0, 3.0])) / 2
    assert float(found) == pytest.approx(expected, rel=1e-6)
    assert (phase.lr, phase.head_lr, phase.weight_decay) == (0.2, 3, 0.01)
    assert (phase.steps, phase.train_backbone, phase.ema) == (5, True, False)
    assert phase.streams["labelled"].positions.tolist() == [0, 1]
    assert phase.streams["labelled"].views == ("weak",)
