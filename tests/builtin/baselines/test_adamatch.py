"""AdaMatch's loss, its alignment and its threshold, beside plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from distbench.plugins.registry import registry
from distbench_builtin.shared.methods.aligned_choice import AlignedChoice

STEPS = 20
KEPT = 1 - 10 / STEPS


def softmax(row: list[float]) -> list[float]:
    powers = [math.exp(v) for v in row]
    return [p / sum(powers) for p in powers]


def drawn(seed: int, count: int) -> list[list[float]]:
    return np.random.default_rng(seed).normal(scale=1.5, size=(count, 3)).tolist()


def means(rows: list[list[float]]) -> list[float]:
    return [sum(row[c] for row in rows) / len(rows) for c in range(3)]


def test_guesses_are_aligned_and_measured_by_labelled_images() -> None:
    choice = AlignedChoice(STEPS, threshold=0.9)
    target: list[float] = []
    model: list[float] = []
    moved, rejected = 0, 0
    for seed in range(6):
        known, weak = drawn(seed, 4), drawn(seed + 50, 7)
        choice.labelled(torch.tensor(known))
        guess, accepted = choice(torch.tensor(weak), torch.arange(7))
        on_known, on_weak = [softmax(r) for r in known], [softmax(r) for r in weak]
        if not target:
            target, model = means(on_known), means(on_weak)
        else:
            new = zip(means(on_known), means(on_weak), strict=True)
            both = zip(target, model, new, strict=True)
            pairs = [
                (KEPT * t + (1 - KEPT) * a, KEPT * m + (1 - KEPT) * b) for t, m, (a, b) in both
            ]
            target, model = [t for t, _ in pairs], [m for _, m in pairs]
        limit = 0.9 * sum(max(row) for row in on_known) / 4
        for i, row in enumerate(on_weak):
            aligned = [row[c] * (target[c] + 1e-6) / (model[c] + 1e-6) for c in range(3)]
            top = max(aligned) / sum(aligned)
            assert int(guess[i]) == aligned.index(max(aligned))
            assert bool(accepted[i]) == (top >= limit)
            moved += aligned.index(max(aligned)) != row.index(max(row))
            rejected += top < limit
    assert moved > 0, "alignment changed a guess"
    assert 0 < rejected < 42


def test_labelled_images_come_first() -> None:
    with pytest.raises(RuntimeError, match="comes first"):
        AlignedChoice(STEPS, 0.9)(torch.zeros(2, 3), torch.arange(2))


def test_the_loss_by_hand(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    made: Any = registry().make("baseline", "adamatch:weight=0.5,threshold=0.9")
    (phase,) = made.phases(method_context)
    assert (phase.lr, phase.ema) == (0.01, True)
    # Labelled: 0.269 and 0.731 at confidence 0.731. Unlabelled: means 0.5 and 0.5 by symmetry, so
    # that aligned probabilities are p * (0.269, 0.731), normalised.
    weak, strong = [[1.5, 0.0], [0.0, 1.5]], [[0.3, 0.1], [0.2, -0.4]]
    given = {
        "labelled": batch_of([[1.0, 2.0]], [1]),
        "unlabelled": batch_of(weak, strong=strong),
    }
    first, other = softmax([1.0, 2.0])
    confidences = []
    for row in weak:
        p = softmax(row)
        a, b = p[0] * first, p[1] * other
        confidences.append((max(a, b) / (a + b), int(b > a)))
    assert [label for _, label in confidences] == [0, 1]
    assert [c >= 0.9 * other for c, _ in confidences] == [False, True]
    wanted = entropy(1, [1.0, 2.0]) + 0.5 * entropy(1, strong[1]) / 2
    assert float(phase.loss(transparent, given)) == pytest.approx(wanted, rel=1e-5)


def test_scale_of_confidence_does_not_matter_but_that_of_labelled_images() -> None:
    for confident in (0.5, 4.0):
        choice = AlignedChoice(STEPS, threshold=1.0)
        choice.labelled(torch.tensor([[confident, 0.0], [0.0, confident]]))
        _, accepted = choice(torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.arange(2))
        assert accepted.tolist() == [confident < 2] * 2
