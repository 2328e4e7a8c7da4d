"""Losses on features and layers, against their formulas in loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from distbench_builtin.shared.methods import contrast_memory
from distbench_builtin.shared.methods.contrast_memory import ContrastMemory
from distbench_builtin.shared.methods.feature_losses import (
    attention_loss,
    hint_loss,
    relational_loss,
)

RNG = np.random.default_rng(5)


def single(values: NDArray[Any]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def huber(gap: float) -> float:
    return gap**2 / 2 if abs(gap) < 1 else abs(gap) - 0.5


def relations(x: NDArray[np.float64]) -> tuple[dict[Any, float], dict[Any, float]]:
    n = len(x)
    distances = {(i, j): float(np.linalg.norm(x[i] - x[j])) for i in range(n) for j in range(n)}
    mean = np.mean([d for d in distances.values() if d > 0])
    angles = {}
    for i in range(n):
        for j in range(n):
            for k in range(n):
                a, b = x[j] - x[i], x[k] - x[i]
                size = np.linalg.norm(a) * np.linalg.norm(b)
                angles[i, j, k] = float(a @ b / size) if size > 0 else 0.0
    return {pair: d / mean for pair, d in distances.items()}, angles


@pytest.mark.parametrize("angle", [0.0, 2.0])
@pytest.mark.parametrize("twins", [False, True])
def test_relations_are_distances_and_angles(angle: float, twins: bool) -> None:
    mine, theirs = RNG.normal(2, 1, size=(6, 3)), RNG.normal(-50, 9, size=(6, 8))
    if twins:
        theirs[4] = theirs[1]
    (d, a), (e, b) = relations(mine), relations(theirs)
    wanted = np.mean([huber(d[pair] - e[pair]) for pair in d])
    wanted += angle * np.mean([huber(a[three] - b[three]) for three in a])
    found = relational_loss(single(mine), single(theirs), angle)
    assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_relations_are_kept_by_moving_turning_and_scaling() -> None:
    x = RNG.normal(size=(5, 4))
    turned = 3 * x @ np.linalg.qr(RNG.normal(size=(4, 4)))[0] + 7
    assert float(relational_loss(single(x), single(turned), 2.0)) == pytest.approx(0, abs=1e-6)


def test_half_precision_around_it_changes_nothing() -> None:
    mine, theirs = single(RNG.normal(size=(6, 3)) + 9), single(RNG.normal(size=(6, 8)) + 9)
    exact = float(relational_loss(mine, theirs, 2.0))
    torch.manual_seed(0)
    known = ContrastMemory(6, 8, 4, 0.1).loss(theirs, theirs, torch.arange(6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert float(relational_loss(mine, theirs, 2.0)) == pytest.approx(exact, rel=1e-6)
        torch.manual_seed(0)
        found = ContrastMemory(6, 8, 4, 0.1).loss(theirs, theirs, torch.arange(6))
    assert float(found) == pytest.approx(float(known), rel=1e-6)


def test_equal_images_leave_the_gradient_finite() -> None:
    x = torch.ones(4, 3, requires_grad=True)
    relational_loss(x, single(RNG.normal(size=(4, 3))), 2.0).backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()


def pooled(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(b, k, 4, 4) to (b, k, 2, 2), by hand."""
    halves = [slice(0, 2), slice(2, 4)]
    return np.array(
        [[[[m[r, c].mean() for c in halves] for r in halves] for m in image] for image in x]
    )


def test_attention_is_where_a_layer_is_active() -> None:
    mine, theirs = RNG.normal(size=(3, 5, 4, 4)), RNG.normal(size=(3, 2, 2, 2))
    wanted = 0.0
    energy = pooled((mine**2).mean(1, keepdims=True))
    for one, other in zip(energy, (theirs**2).mean(1), strict=True):
        a, b = one.ravel(), other.ravel()
        wanted += float(((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2).sum()) / 3
    found = attention_loss(single(mine), single(theirs))
    assert float(found) == pytest.approx(wanted, rel=1e-5)
    assert float(attention_loss(single(9 * mine), single(theirs))) == pytest.approx(
        wanted, rel=1e-5
    )


def test_a_hint_is_relative_to_its_size() -> None:
    mine, theirs = RNG.normal(size=(3, 2, 4, 4)), RNG.normal(size=(3, 2, 2, 2))
    wanted = ((pooled(mine) - theirs) ** 2).mean() / (theirs**2).mean()
    assert float(hint_loss(single(mine), single(theirs))) == pytest.approx(wanted, rel=1e-5)
    both = hint_loss(single(7 * mine), single(7 * theirs))
    assert float(both) == pytest.approx(wanted, rel=1e-5)


def unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_contrast_with_what_is_remembered() -> None:
    # Two images: each one's only possible negative is the other, whatever is drawn.
    torch.manual_seed(0)
    memory = ContrastMemory(2, 3, negatives=4, temperature=0.5)
    remembered = [m.numpy().astype(float).copy() for m in memory._memories]
    sizes: list[float] = []
    for _ in range(3):
        mine, theirs = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
        found = memory.loss(single(mine), single(theirs), torch.tensor([1, 0]))
        anchors = [unit(mine), unit(theirs)]
        wanted = 0.0
        for side in (0, 1):
            h = []
            for anchor, image in zip(anchors[side], [1, 0], strict=True):
                bank = remembered[1 - side]
                h.append([np.exp(bank[row] @ anchor / 0.5) for row in [image] + 4 * [1 - image]])
            if len(sizes) == side:
                sizes.append(float(np.mean(h)) * 2)
            noise = 4 / 2
            for row in np.array(h) / sizes[side]:
                wanted -= np.log(row[0] / (row[0] + noise)) / 2
                wanted -= sum(np.log(noise / (v + noise)) for v in row[1:]) / 2
        for side in (0, 1):
            for anchor, image in zip(anchors[side], [1, 0], strict=True):
                remembered[side][image] = unit((remembered[side][image] + anchor) / 2)
        assert float(found) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("negatives", [4, 40])
@pytest.mark.parametrize("dense", [0, 16])
def test_negatives_are_counted_as_often_as_they_are_drawn(
    negatives: int, dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sum is the same, however it is computed.
    monkeypatch.setattr(contrast_memory, "_DENSE", dense)
    memory = ContrastMemory(6, 3, negatives, temperature=0.5)
    remembered = [m.numpy().astype(float).copy() for m in memory._memories]
    mine, theirs, images = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)), [5, 2]
    torch.manual_seed(7)
    given = single(mine).requires_grad_()
    loss = memory.loss(given, single(theirs), torch.tensor(images))
    loss.backward()
    assert given.grad is not None and given.grad.abs().sum() > 0
    torch.manual_seed(7)
    drawn = torch.randint(5, (2, negatives)).numpy()
    drawn += drawn >= np.array(images)[:, None]  # none is its own negative
    wanted = 0.0
    for anchors, bank in zip((unit(mine), unit(theirs)), remembered[::-1], strict=True):
        rows = np.concatenate([np.array(images)[:, None], drawn], 1)
        h = np.exp((bank[rows] * anchors[:, None]).sum(2) / 0.5)
        h /= h.mean() * 6
        noise = negatives / 6
        wanted -= np.log(h[:, 0] / (h[:, 0] + noise)).mean()
        wanted -= np.log(noise / (h[:, 1:] + noise)).sum(1).mean()
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-4)
