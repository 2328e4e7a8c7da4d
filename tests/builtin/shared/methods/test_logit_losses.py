"""Losses on logits against their formulas, image by image, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from distbench_builtin.shared.methods import logit_losses as losses

RNG = np.random.default_rng(3)
STUDENT, TEACHER = RNG.normal(size=(6, 5)) * 2, RNG.normal(size=(6, 5)) * 3


def single(values: NDArray[Any]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return float((p * np.log(p / q)).sum())


@pytest.mark.parametrize(("temperature", "alpha", "beta"), [(1.0, 1.0, 0.0), (2.0, 0.5, 4.0)])
def test_target_and_others_are_matched_apart(temperature: float, alpha: float, beta: float) -> None:
    p, q = softmax(TEACHER / temperature, axis=1), softmax(STUDENT / temperature, axis=1)
    total = 0.0
    for a, b in zip(p, q, strict=True):
        t = a.argmax()
        beside = divergence(np.array([a[t], 1 - a[t]]), np.array([b[t], 1 - b[t]]))
        others_a, others_b = np.delete(a, t) / (1 - a[t]), np.delete(b, t) / (1 - b[t])
        total += alpha * beside + beta * divergence(others_a, others_b)
    found = losses.decoupled_kl(single(STUDENT), single(p), temperature, alpha, beta)
    assert float(found) == pytest.approx(temperature**2 * total / 6, rel=1e-5)


def test_with_beta_1_minus_the_target_it_is_the_divergence() -> None:
    p, q = softmax(TEACHER[:1], axis=1), softmax(STUDENT[:1], axis=1)
    rest = 1 - p[0].max()
    found = losses.decoupled_kl(single(STUDENT[:1]), single(p), 1.0, 1.0, rest)
    assert float(found) == pytest.approx(divergence(p[0], q[0]), rel=1e-5)


@pytest.mark.parametrize("height", [40.0, 400.0])
def test_a_teacher_that_is_certain_gives_a_finite_loss(height: float) -> None:
    logits = single(STUDENT * 20).requires_grad_()
    p = single(softmax(np.eye(6, 5) * height, axis=1))
    losses.decoupled_kl(logits, p, 1.0, 1.0, 2.0).backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(("temperature", "beta", "gamma"), [(1.0, 1.0, 0.0), (4.0, 2.0, 0.5)])
def test_correlations_over_classes_and_over_images(
    temperature: float, beta: float, gamma: float
) -> None:
    p, q = softmax(TEACHER / temperature, axis=1), softmax(STUDENT / temperature, axis=1)
    rows = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)])
    columns = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    found = losses.correlation_loss(single(STUDENT), single(p), temperature, beta, gamma)
    wanted = temperature**2 * (beta * (1 - rows) + gamma * (1 - columns))
    assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_a_class_that_all_images_have_alike_correlates_with_nothing() -> None:
    alike = torch.ones(3, 4)
    assert losses.pearson(alike, single(RNG.normal(size=(3, 4)))).tolist() == [0, 0, 0]


def test_standardised_logits_have_neither_place_nor_size() -> None:
    z = losses.standardised_logits(single(STUDENT))
    wanted = (STUDENT - STUDENT.mean(1, keepdims=True)) / STUDENT.std(1, ddof=1, keepdims=True)
    np.testing.assert_allclose(z.numpy(), wanted, rtol=1e-5)
    np.testing.assert_allclose(losses.standardised_logits(single(STUDENT * 7 + 3)), z, atol=1e-5)
