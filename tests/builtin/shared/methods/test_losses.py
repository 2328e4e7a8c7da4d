"""Every loss against its formula, written down anew with numpy and scipy in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax

from distbench_builtin.shared.methods import losses

RNG = np.random.default_rng(0)


def drawn(*shape: int) -> NDArray[np.float64]:
    return RNG.normal(size=shape)


def single(values: NDArray[Any]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def entropy(p: NDArray[np.float64], logits: NDArray[np.float64]) -> float:
    """Mean cross-entropy of softmax(logits) under p."""
    return float(-(p * log_softmax(logits, axis=1)).sum(1).mean())


def test_soft_targets_of_several_heads_are_weighted() -> None:
    widths, weights = [2, 3, 2], [0.5, 0.3, 0.2]
    heads, sources = ([drawn(4, c) for c in widths] for _ in range(2))
    loss = losses.SoftTargetCrossEntropy(widths, weights, [False] * 3, temperature=2.0)
    value = loss(single(np.hstack(heads)), [single(z) for z in sources])
    expected = sum(
        w * entropy(softmax(z / 2, axis=1), q)
        for w, z, q in zip(weights, sources, heads, strict=True)
    )
    assert float(value) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 3, 21])
def test_sigmoid_sources_have_a_binary_cross_entropy_over_log_c(classes: int) -> None:
    heads, sources = ([drawn(4, classes) for _ in range(2)] for _ in range(2))
    widths = [classes, classes]
    loss = losses.SoftTargetCrossEntropy(widths, [0.6, 0.4], [True, False], temperature=0.5)
    value = loss(single(np.hstack(heads)), [single(z) for z in sources])
    p, q = expit(sources[0] / 0.5), expit(heads[0])
    binary = -(p * np.log(q) + (1 - p) * np.log(1 - q)).sum(1).mean()
    binary /= max(np.log(classes), 1)
    expected = 0.6 * binary + 0.4 * entropy(softmax(sources[1] / 0.5, axis=1), heads[1])
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_no_gradient_of_soft_targets_leaves_its_head() -> None:
    loss = losses.SoftTargetCrossEntropy([2, 3], [1.0, 0.0], [False] * 2, temperature=1.0)
    outputs = single(drawn(4, 5)).requires_grad_()
    loss(outputs, [single(drawn(4, 2)), single(drawn(4, 3))]).backward()
    assert outputs.grad is not None
    assert outputs.grad[:, :2].all() and not outputs.grad[:, 2:].any()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_divergence_of_teacher_and_student(temperature: float) -> None:
    p, logits = softmax(drawn(5, 4), axis=1), drawn(5, 4)
    q = softmax(logits / temperature, axis=1)
    expected = temperature**2 * (p * np.log(p / q)).sum(1).mean()
    value = losses.distillation_kl(single(logits), single(p), temperature)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    same = losses.distillation_kl(single(logits), single(q), temperature)
    assert float(same) == pytest.approx(0, abs=1e-6)


def contrast(
    predicted: NDArray[np.float64], target: NDArray[np.float64], images: list[int]
) -> float:
    """InfoNCE at temperature 0.5, image by image."""
    a = predicted / np.linalg.norm(predicted, axis=1, keepdims=True)
    b = target / np.linalg.norm(target, axis=1, keepdims=True)
    total = 0.0
    for one, other in ((a, b), (b, a)):
        for i in range(len(images)):
            rivals = [j for j in range(len(images)) if j == i or images[j] != images[i]]
            total += np.log(sum(np.exp(one[i] @ other[j] / 0.5) for j in rivals))
            total -= one[i] @ other[i] / 0.5
    return total / (2 * len(images))


@pytest.mark.parametrize("images", [[7, 9, 8, 1], [7, 9, 7, 1], [3, 3, 3, 3]])
def test_contrast_finds_its_own_among_other_images(images: list[int]) -> None:
    predicted, target = drawn(4, 3), drawn(4, 3)
    twins = losses.twins_of(torch.tensor(images))
    value = losses.info_nce(single(predicted), single(target), 0.5, twins)
    assert float(value) == pytest.approx(contrast(predicted, target, images), rel=1e-5, abs=1e-6)


def test_twins_are_other_rows_of_the_same_image() -> None:
    assert losses.twins_of(torch.tensor([4, 5, 4])).nonzero().tolist() == [[0, 2], [2, 0]]


def test_cosine_distance_goes_by_direction_alone() -> None:
    predicted, target = single([[3.0, 4.0], [0.0, 1.0]]), single([[2.0, 0.0], [0.0, 9.0]])
    value = losses.cosine_distance(predicted, target)
    assert float(value) == pytest.approx((0.4 + 0) / 2, rel=1e-6)


def test_guesses_have_the_probability_of_the_likeliest_class() -> None:
    logits = drawn(6, 4)
    confidence, guess = losses.guesses_of(single(logits).requires_grad_())
    assert confidence.numpy() == pytest.approx(softmax(logits, axis=1).max(1), rel=1e-6)
    assert guess.tolist() == logits.argmax(1).tolist()
    assert not confidence.requires_grad


def test_what_is_not_accepted_counts_as_zero_in_the_mean() -> None:
    logits, labels = drawn(4, 3), np.array([0, 2, 1, 1])
    accepted = np.array([True, False, True, False])
    value = losses.masked_cross_entropy(
        single(logits), torch.tensor(labels), torch.tensor(accepted)
    )
    own = -log_softmax(logits, axis=1)[np.arange(4), labels]
    assert float(value) == pytest.approx(own[accepted].sum() / 4, rel=1e-6)
