"""Weights, thresholds and fairness of SoftMatch and FreeMatch, beside plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from distbench_builtin.shared.methods.pseudo_label_choice import Running
from distbench_builtin.shared.methods.soft_choices import FreeChoice, SoftChoice

STEPS = 20
KEPT = 1 - 10 / STEPS


def softmax(row: list[float]) -> list[float]:
    powers = [math.exp(v) for v in row]
    return [p / sum(powers) for p in powers]


def drawn(seed: int, count: int = 6, classes: int = 3) -> list[list[float]]:
    return np.random.default_rng(seed).normal(scale=2, size=(count, classes)).tolist()


def moved(old: float, new: float) -> float:
    return KEPT * old + (1 - KEPT) * new


def argmax(row: list[float]) -> int:
    return max(range(len(row)), key=row.__getitem__)


def test_a_running_mean_fits_the_steps() -> None:
    mean = Running(torch.tensor(1.0), 100)
    for _ in range(3):
        mean.update(torch.tensor(0.0))
    assert float(mean.value) == pytest.approx(0.9**3)
    for steps, wanted in ((10**6, 0.999), (5, 0.0)):
        mean = Running(torch.tensor(1.0), steps)
        assert float(mean.update(torch.tensor(0.0))) == pytest.approx(wanted)


def test_softmatch_weighs_by_a_gaussian_that_follows_confidences() -> None:
    choice = SoftChoice(3, STEPS, sigmas=2.0)
    mean, variance, share = 1 / 3, 1.0, [1 / 3] * 3
    for seed in range(4):
        logits = drawn(seed)
        guess, weights = choice(torch.tensor(logits), torch.arange(6))
        rows = [softmax(row) for row in logits]
        share = [moved(share[c], sum(r[c] for r in rows) / 6) for c in range(3)]
        top = []
        for row in rows:
            aligned = [row[c] / 3 / share[c] for c in range(3)]
            top.append(max(aligned) / sum(aligned))
        average = sum(top) / 6
        mean = moved(mean, average)
        variance = moved(variance, sum((t - average) ** 2 for t in top) / 5)
        wanted = [math.exp(-(min(t - mean, 0) ** 2) / (2 * variance / 4)) for t in top]
        assert guess.tolist() == [argmax(row) for row in logits], "guesses are not aligned"
        assert weights.tolist() == pytest.approx(wanted, rel=1e-4)
        assert max(wanted) == 1 > min(wanted)
    assert choice.penalty(torch.zeros(2, 3), torch.ones(2)) is None


def test_freematch_sets_its_thresholds_and_asks_for_fairness() -> None:
    choice = FreeChoice(3, STEPS, fairness=0.05)
    mean, share, histogram, rejected = 1 / 3, [1 / 3] * 3, [1 / 3] * 3, 0
    for seed in range(8):
        logits, strong = drawn(seed), drawn(seed + 50)
        guess, accepted = choice(torch.tensor(logits), torch.arange(6))
        rows = [softmax(row) for row in logits]
        guesses = [argmax(row) for row in rows]
        mean = moved(mean, sum(max(row) for row in rows) / 6)
        share = [moved(share[c], sum(r[c] for r in rows) / 6) for c in range(3)]
        histogram = [moved(histogram[c], guesses.count(c) / 6) for c in range(3)]
        limits = [mean * share[c] / max(share) for c in range(3)]
        wanted = [max(row) >= limits[g] for row, g in zip(rows, guesses, strict=True)]
        assert guess.tolist() == guesses and accepted.tolist() == wanted
        rejected += 6 - sum(wanted)
        kept = [softmax(row) for row, ok in zip(strong, wanted, strict=True) if ok]
        told = [argmax(row) for row in kept]
        before = [share[c] / histogram[c] if histogram[c] else 0.0 for c in range(3)]
        now = [
            sum(r[c] for r in kept) / len(kept) / (told.count(c) / len(kept))
            if told.count(c)
            else 0.0
            for c in range(3)
        ]
        fairness = sum(
            b / sum(before) * math.log(n / sum(now) + 1e-12)
            for b, n in zip(before, now, strict=True)
        )
        penalty = choice.penalty(torch.tensor(strong), accepted)
        assert penalty is not None
        assert float(penalty) == pytest.approx(0.05 * fairness, rel=1e-4)
    assert rejected > 0


def test_fairness_is_asked_of_accepted_images_alone() -> None:
    choice = FreeChoice(3, STEPS, fairness=0.05)
    strong = torch.tensor(drawn(1), requires_grad=True)
    assert choice.penalty(strong, torch.zeros(6, dtype=torch.bool)) is None
    assert FreeChoice(3, STEPS, fairness=0).penalty(strong, torch.ones(6, dtype=torch.bool)) is None
    accepted = torch.tensor([True, False, True, False, False, True])
    penalty = choice.penalty(strong, accepted)
    assert penalty is not None
    penalty.backward()
    assert strong.grad is not None
    assert (strong.grad.abs().sum(1) > 0).tolist() == accepted.tolist()
