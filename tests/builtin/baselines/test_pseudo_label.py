from __future__ import annotations

from typing import Any

import pytest
import torch

from distbench.plugins.registry import registry


def method(**parameters: Any) -> Any:
    return registry().make("baseline", {"use": "pseudo_label", **parameters})


def test_the_weight_grows_over_a_share_of_the_steps() -> None:
    made = method(weight=3, ramp=0.4)
    assert [made.alpha(done, 10) for done in range(6)] == pytest.approx([0, 0.75, 1.5, 2.25, 3, 3])
    assert method(weight=2, ramp=0).alpha(0, 10) == 2


def test_confident_guesses_are_learnt_with_the_weight_of_the_step(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    made = method(threshold=0.9, weight=2, ramp=0.4)
    (phase,) = made.phases(method_context)
    batches = {
        "labelled": batch_of([[1.0, 2.0]], [1]),
        "unlabelled": batch_of([[5.0, 0.0], [0.2, 0.0]]),
    }
    supervised = entropy(1, [1.0, 2.0])
    own = entropy(0, [5.0, 0.0]) / 2  # the second guess is not confident, but counts in the mean
    found = [float(phase.loss(transparent, batches)) for _ in range(4)]
    assert found == pytest.approx([supervised + a * own for a in (0, 1, 2, 2)], rel=1e-6)

    (again,) = made.phases(method_context)
    assert float(again.loss(transparent, batches)) == pytest.approx(supervised), "counts anew"


def test_a_guess_is_a_label_and_not_learnt_from_itself(
    transparent: Any, method_context: Any, batch_of: Any
) -> None:
    (phase,) = method(threshold=0, ramp=0).phases(method_context)
    batches = {"labelled": batch_of([[0.0, 0.0]], [0]), "unlabelled": batch_of([[1.0, 0.0]])}
    images = batches["unlabelled"].views["weak"].requires_grad_()
    phase.loss(transparent, batches).backward()
    p = torch.tensor([1.0, 0.0]).softmax(0)
    expected = p - torch.tensor([1.0, 0.0])  # of cross-entropy under a fixed label
    assert torch.allclose(images.grad.flatten(), expected)


def test_streams(method_context: Any) -> None:
    (phase,) = method(ratio=3).phases(method_context)
    assert phase.streams["unlabelled"].batch == 6
    assert phase.streams["unlabelled"].views == ("weak",)
    assert phase.streams["unlabelled"].labels is None
    assert phase.streams["unlabelled"].positions.tolist() == [0, 1, 2, 3]
    assert phase.steps == 5
