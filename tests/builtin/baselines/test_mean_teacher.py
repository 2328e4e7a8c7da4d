from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from distbench import Batch
from distbench.interfaces.training.stream import Batches
from distbench.plugins.registry import registry


def softmax(row: list[float]) -> list[float]:
    return [math.exp(v) / sum(math.exp(u) for u in row) for v in row]


def test_the_weight_is_ramped_up() -> None:
    made = registry().make("baseline", "mean_teacher:ramp=0.5")
    shares = [made.share(step, 100) for step in range(1, 101)]
    assert shares[0] == pytest.approx(math.exp(-5 * (1 - 1 / 50) ** 2))
    assert shares[24] == pytest.approx(math.exp(-1.25))
    assert shares[49:] == [1.0] * 51


def test_the_loss_by_hand(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    made = registry().make("baseline", "mean_teacher:weight=3")
    (phase,) = made.phases(method_context)
    assert (phase.ema, phase.lr) == ("teacher", 0.01)
    one, other = [[0.5, 1.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 0.3]]
    images = {
        name: torch.tensor(rows).view(2, 1, 1, -1)
        for name, rows in (("one", one), ("other", other))
    }
    unlabelled = Batch(images, torch.full((2,), -1), {}, torch.arange(2))
    streams = {"labelled": batch_of([[1.0, 2.0]], [1]), "unlabelled": unlabelled}
    batch = Batches(streams, step=1, steps=5, average=transparent)
    gaps = [
        (a - b) ** 2
        for left, right in zip(one, other, strict=True)
        for a, b in zip(softmax(left), softmax(right), strict=True)
    ]
    wanted = entropy(1, [1.0, 2.0]) + 3 * made.share(1, 5) * sum(gaps) / 4
    assert float(phase.loss(transparent, batch)) == pytest.approx(wanted, rel=1e-5)
