from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from distbench.plugins.registry import registry


def phases(context: Any, spec: str = "lp_ft", steps: int = 10) -> Any:
    context = replace(context, protocol=context.protocol.model_copy(update={"steps": steps}))
    return registry().make("baseline", spec).phases(context)


def test_the_classifier_comes_first_and_stays(method_context: Any) -> None:
    probe, tuned = phases(method_context, "lp_ft:share=0.3,probe_lr=0.2,lr=0.02,head_lr=5")
    assert (probe.steps, probe.lr, probe.head_lr, probe.train_backbone) == (3, 0.2, 1, False)
    assert (tuned.steps, tuned.lr, tuned.head_lr, tuned.train_backbone) == (7, 0.02, 5, True)
    assert not probe.modules and not tuned.modules, "the student's own classifier goes on"


@pytest.mark.parametrize(
    ("share", "steps", "wanted"), [(0.9, 2, [1, 1]), (0.1, 2, [2]), (0.5, 1, [1])]
)
def test_steps_are_shared_as_far_as_there_are_any(
    method_context: Any, share: float, steps: int, wanted: list[int]
) -> None:
    found = phases(method_context, f"lp_ft:share={share}", steps)
    assert [phase.steps for phase in found] == wanted
    assert found[-1].train_backbone


def test_the_loss_is_cross_entropy(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    for phase in phases(method_context):
        value = phase.loss(transparent, {"labelled": batch_of([[1.0, 2.0]], [1])})
        assert float(value) == pytest.approx(entropy(1, [1.0, 2.0]), rel=1e-6)
