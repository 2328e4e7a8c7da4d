"""Sharp where labelled images show that a source is near, the equal average elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from distbench import Context, Declined, Embedding, SourceInfo
from distbench.interfaces.suite import Protocol
from distbench.plugins.registry import registry
from distbench_builtin.strategies.cautious import sharpest

SOURCES, CLASSES, EACH = 8, 4, 10
LABELS = np.arange(CLASSES * EACH) % CLASSES
SCORES = np.arange(SOURCES, 0, -1.0)


def sources() -> list[SourceInfo]:
    return [
        SourceInfo(
            name=f"s{number}",
            architecture="a",
            num_classes=2,
            feature_dim=16,
            input_size=8,
            mean=(0, 0, 0),
            std=(1, 1, 1),
            fingerprint=str(number),
        )
        for number in range(SOURCES)
    ]


def weigh(spec: str, signal: dict[str, float], scores: Any = SCORES) -> np.ndarray:
    """Weights where features know the class as far as `signal` says of a source."""

    def embedding(name: str) -> Embedding:
        rng = np.random.default_rng(int(name[1:]))
        known = np.eye(16)[LABELS] * signal.get(name, 0.0)
        features = np.float32(known + rng.normal(size=(len(LABELS), 16)))
        return Embedding(features, features)

    context = Context(
        suite="s",
        task="t",
        seed=0,
        classes=tuple("abcd"),
        labels=LABELS,
        labelled=np.arange(len(LABELS)),
        unlabelled=np.arange(len(LABELS)),
        validation=np.arange(0),
        protocol=Protocol(),
        embedding=embedding,
    )
    weights: np.ndarray = registry().make("strategy", spec).weigh(scores, sources(), context)
    assert weights.sum() == pytest.approx(1)
    return weights


def test_one_near_source_gets_nearly_everything() -> None:
    assert weigh("cautious", {"s0": 8.0})[0] > 0.6


def test_sources_that_know_nothing_are_weighed_alike() -> None:
    assert weigh("cautious:margin=2", {}) == pytest.approx(np.full(SOURCES, 1 / SOURCES))


def test_a_metric_that_is_wrong_is_not_followed() -> None:
    """The best score is that of a source that knows nothing, and labels say so."""
    wrong = weigh("cautious", {"s7": 8.0})
    assert wrong == pytest.approx(np.full(SOURCES, 1 / SOURCES))


def test_a_larger_margin_is_more_cautious() -> None:
    effective = [
        1 / (weigh(f"cautious:margin={margin}", {"s0": 1.2, "s1": 1.0}) ** 2).sum()
        for margin in (0, 1, 1000)
    ]
    assert effective == sorted(effective)
    assert effective[-1] == pytest.approx(SOURCES)


def test_without_a_task_there_is_nothing_to_decide_by() -> None:
    with pytest.raises(Declined, match="name a task"):
        registry().make("strategy", "cautious").weigh(SCORES, sources())


def test_the_choice_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    outputs, truth = rng.random((3, 9, 2)), np.eye(2)[rng.integers(0, 2, 9)]
    weights = np.array([[1 / 3] * 3, [0.5, 0.4, 0.1], [1.0, 0.0, 0.0]])
    bounds = []
    for row in weights:
        gains = []
        for image in range(9):
            equal = sum(outputs[s, image] / 3 for s in range(3)) - truth[image]
            own = sum(row[s] * outputs[s, image] for s in range(3)) - truth[image]
            gains.append(float(equal @ equal - own @ own))
        mean = sum(gains) / 9
        spread = math.sqrt(sum((g - mean) ** 2 for g in gains) / 8)
        bounds.append(mean - 0.5 * spread / 3)
    assert sharpest(outputs, truth, weights, 0.5) == int(np.argmax(bounds))
