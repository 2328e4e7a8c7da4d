"""The losses of the built-in methods against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from distbench import Batch, MethodContext, SourceInfo, WeightedSource
from distbench.method import Embedding
from distbench.plugins import registry
from distbench.suite import Protocol
from distbench_builtin.distillers.pseudo_labels import _Matching


def context(*sources: WeightedSource) -> MethodContext:
    return MethodContext(
        suite="s",
        task="t",
        seed=0,
        classes=("a", "b"),
        labels=np.array([0, 1, -1, -1]),
        labelled=np.array([0, 1]),
        unlabelled=np.arange(4),
        validation=np.empty(0, dtype=np.int64),
        protocol=Protocol(steps=5, batch=2),
        embedding=lambda name: sources[0].embedding,
        sources=sources,
        num_features=2,
    )


def source(name: str, weight: float, logits: list[list[float]], **more: str) -> WeightedSource:
    values = np.array(logits, dtype=np.float32)
    info = SourceInfo(
        name=name,
        architecture="x",
        num_classes=values.shape[1],
        feature_dim=2,
        input_size=8,
        fingerprint=name,
        **more,  # type: ignore[arg-type]
    )
    return WeightedSource(info, weight, Embedding(values[:, :1], values))


class Fixed(torch.nn.Module):
    """A student whose features are the image's first two values and whose logits are those."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :2]

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(images))


def batch(values: list[list[float]], labels: list[int], **targets: list[list[float]]) -> Batch:
    images = torch.tensor(values).view(len(values), 1, 1, -1)
    return Batch(
        {"weak": images, "strong": images.flip(3)},
        torch.tensor(labels),
        {name: torch.tensor(t) for name, t in targets.items()},
    )


def entropy(p: list[float], z: list[float]) -> float:
    """Cross-entropy of softmax(z) under p, by hand."""
    total = math.log(sum(math.exp(v) for v in z))
    return -sum(q * (v - total) for q, v in zip(p, z, strict=True))


def softmax(z: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in z)
    return [math.exp(v) / total for v in z]


def test_matching_is_the_weighted_sum_of_cross_entropies() -> None:
    matching = _Matching([2, 3, 2], [0.5, 0.3, 0.2], [False, False, False], temperature=2.0)
    outputs = [[0.1, 0.7, 1.0, -1.0, 0.5, 0.3, -0.2]]
    targets = [[2.0, 0.0], [1.0, 0.0, -1.0], [-3.0, 1.0]]
    expected = (
        0.5 * entropy(softmax([1.0, 0.0]), [0.1, 0.7])
        + 0.3 * entropy(softmax([0.5, 0.0, -0.5]), [1.0, -1.0, 0.5])
        + 0.2 * entropy(softmax([-1.5, 0.5]), [0.3, -0.2])
    )
    found = matching(torch.tensor(outputs), [torch.tensor([t]) for t in targets])
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_matching_of_sigmoid_sources_is_binary() -> None:
    matching = _Matching([2], [1.0], [True], temperature=1.0)
    p = [1 / (1 + math.exp(-2.0)), 0.5]
    q = [1 / (1 + math.exp(-0.4)), 1 / (1 + math.exp(1.0))]
    expected = -sum(a * math.log(b) + (1 - a) * math.log(1 - b) for a, b in zip(p, q, strict=True))
    found = matching(torch.tensor([[0.4, -1.0]]), [torch.tensor([[2.0, 0.0]])])
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_pseudo_labels_mix_both_losses_by_lam() -> None:
    method = registry().make("distiller", "pseudo_labels:lam=0.25,temperature=1")
    (phase,) = method.phases(context(source("s", 1.0, [[1.0, 0.0]] * 4)))  # type: ignore[attr-defined]
    heads = phase.modules["heads"]
    torch.nn.init.eye_(heads.weight)
    torch.nn.init.zeros_(heads.bias)
    batches = {
        "labelled": batch([[1.0, 2.0]], [1]),
        "unlabelled": batch([[0.5, -0.5]], [-1], s=[[1.0, 0.0]]),
    }
    expected = 0.25 * entropy([0, 1], [1.0, 2.0]) + 0.75 * entropy(softmax([1, 0]), [0.5, -0.5])
    assert phase.loss(Fixed(), batches).item() == pytest.approx(expected, rel=1e-6)
    assert phase.streams["unlabelled"].positions.tolist() == [0, 1, 2, 3]


def test_fixmatch_learns_confident_guesses_on_strong_views() -> None:
    method = registry().make("baseline", "fixmatch:threshold=0.9,weight=2")
    (phase,) = method.phases(context())  # type: ignore[attr-defined]
    assert phase.ema
    assert phase.streams["unlabelled"].batch == 7 * 2
    batches = {
        "labelled": batch([[1.0, 2.0]], [1]),
        "unlabelled": batch([[5.0, 0.0], [0.2, 0.0]], [-1, -1]),
    }
    # only the first guess is confident: class 0, learnt on the strong view (0, 5)
    expected = entropy([0, 1], [1.0, 2.0]) + 2 * entropy([1, 0], [0.0, 5.0]) / 2
    assert phase.loss(Fixed(), batches).item() == pytest.approx(expected, rel=1e-5)


def test_finetune_is_cross_entropy() -> None:
    (phase,) = registry().make("baseline", "finetune").phases(context())  # type: ignore[attr-defined]
    found = phase.loss(Fixed(), {"labelled": batch([[1.0, 2.0]], [0])})
    assert float(found) == pytest.approx(entropy([1, 0], [1.0, 2.0]), rel=1e-6)


def test_scratch_starts_from_nothing_and_is_a_control() -> None:
    scratch = registry().make("baseline", "scratch")
    assert scratch.initialisation == "random"  # type: ignore[attr-defined]
    assert scratch.role == "control"
