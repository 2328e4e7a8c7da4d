from __future__ import annotations

from typing import Any

import pytest
import torch

from distbench.plugins.registry import registry


def method(**parameters: Any) -> Any:
    return registry().make("baseline", {"use": "flexmatch", **parameters})


def logits(*confidences: tuple[int, float]) -> list[list[float]]:
    """Logits of two classes by which a class has a probability."""
    found = []
    for label, p in confidences:
        z = torch.tensor(p / (1 - p)).log().item()
        found.append([z, 0.0] if label == 0 else [0.0, z])
    return found


def accepted(select: Any, *guesses: tuple[int, float], positions: list[int]) -> list[bool]:
    confidence = torch.tensor([p for _, p in guesses])
    classes = torch.tensor([label for label, _ in guesses])
    return select(confidence, classes, torch.tensor(positions)).tolist()


def test_defaults_are_those_of_fixmatch() -> None:
    made = method()
    assert (made.threshold, made.mu, made.weight) == (0.95, 7, 1.0)


def test_thresholds_follow_how_well_a_class_is_learnt(method_context: Any) -> None:
    select = method(threshold=0.9).selector(method_context)
    # Nothing is learnt yet: all thresholds are 0. Two images are guessed confidently, as class 0.
    assert accepted(select, (0, 0.95), (0, 0.99), (1, 0.51), positions=[0, 1, 2]) == [True] * 3
    # sigma = (2, 0), two of four images unused: beta = (2/2, 0), thresholds 0.9 and 0.
    assert accepted(select, (0, 0.89), (0, 0.91), (1, 0.5), positions=[2, 3, 2]) == [
        False,
        True,
        True,
    ]
    # sigma = (3, 0), one unused. Image 1 turns to class 1, image 2 is class 1 now.
    accepted(select, (1, 0.9), (1, 0.95), positions=[1, 2])
    # sigma = (2, 2): both learnt fully.
    assert accepted(select, (0, 0.89), (1, 0.89), positions=[0, 1]) == [False, False]


def test_warm_up_and_mapping_by_hand(method_context: Any) -> None:
    select = method(threshold=0.8).selector(method_context)
    accepted(select, (0, 0.9), positions=[3])
    # sigma = (1, 0), three of four unused: beta = 1/3, M = (1/3) / (2 - 1/3) = 0.2.
    limit = 0.8 * 0.2
    found = accepted(select, (0, limit + 1e-4), (0, limit - 1e-4), positions=[0, 1])
    assert found == [True, False]


def test_an_unsure_guess_does_not_unlearn_an_image(method_context: Any) -> None:
    select = method(threshold=0.9).selector(method_context)
    accepted(select, *[(0, 0.95)] * 4, positions=[0, 1, 2, 3])
    accepted(select, (1, 0.6), positions=[0])
    # sigma is still (4, 0), nothing unused.
    assert accepted(select, (0, 0.89), (1, 0.1), positions=[0, 1]) == [False, True]


def test_the_loss_of_two_steps(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    made = method(threshold=0.9, weight=1)
    (phase,) = made.phases(method_context)
    supervised = entropy(1, [1.0, 2.0])
    labelled = batch_of([[1.0, 2.0]], [1])

    def step(guesses: list[list[float]], positions: list[int]) -> float:
        strong = [[0.3, 0.1]] * len(guesses)
        batch = batch_of(guesses, strong=strong, positions=positions)
        return float(phase.loss(transparent, {"labelled": labelled, "unlabelled": batch}))

    first = step(logits((0, 0.95), (0, 0.95)), [2, 3])
    assert first == pytest.approx(supervised + entropy(0, [0.3, 0.1]), rel=1e-5)
    # Class 0 is learnt by now and needs 0.9, class 1 nothing.
    second = step(logits((0, 0.8), (1, 0.6)), [2, 3])
    assert second == pytest.approx(supervised + entropy(1, [0.3, 0.1]) / 2, rel=1e-5)

    (phase,) = made.phases(method_context)
    third = step(logits((0, 0.8), (1, 0.6)), [2, 3])
    both = (entropy(0, [0.3, 0.1]) + entropy(1, [0.3, 0.1])) / 2
    assert third == pytest.approx(supervised + both, rel=1e-5), "a new start forgets"
