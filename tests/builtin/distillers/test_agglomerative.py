from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distbench.plugins.registry import registry
from distbench_builtin.shared.methods.phi_s import PhiS

DRAW = np.random.default_rng(0)
FEATURES = {"s0": DRAW.normal(3, 2, size=(5, 3)), "s1": DRAW.normal(size=(5, 4))}
WEIGHTS = {"s0": 0.75, "s1": 0.25}


def smooth(gap: float) -> float:
    return gap**2 / 2 if abs(gap) < 1 else abs(gap) - 0.5


def test_the_loss_by_hand(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    text = "agglomerative:cosine=0.6,hidden=5,ratio=3,head_lr=4"
    method: Any = registry().make("distiller", text)
    sources = [teachers.source(n, WEIGHTS[n], [[0.0]] * 5, x.tolist()) for n, x in FEATURES.items()]
    distil, finetune = method.phases(teachers.learning_from(method_context, *sources))
    assert [(p.name, p.steps) for p in (distil, finetune)] == [("distil", 3), ("finetune", 2)]
    assert distil.streams["unlabelled"].batch == 6
    assert distil.module_lr["heads"] == 4
    heads = distil.modules["heads"]
    assert [tuple(head[0].weight.shape) for head in heads] == [(5, 2), (5, 2)]
    z = [[1.0, -2.0], [0.5, 3.0]]
    shown = teachers.with_targets(
        batch_of(z), **{n: x[1:3].astype(np.float32).tolist() for n, x in FEATURES.items()}
    )
    found = distil.loss(transparent, {"unlabelled": shown}).detach()
    wanted = 0.0
    for head, (name, x) in zip(heads, FEATURES.items(), strict=True):
        # Standardised over the pool, images 0 .. 3, without the one for validation.
        own = PhiS([(x.astype(np.float32), np.arange(4))])
        targets = own(torch.tensor(x[1:3])).numpy()
        said = head(torch.tensor(z)).detach().numpy()
        for a, b in zip(said, targets, strict=True):
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            gap = np.mean([smooth(float(v)) for v in a - b])
            wanted += WEIGHTS[name] * (0.6 * (1 - cosine) + 0.4 * gap) / 2
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_what_balances_is_not_trained(teachers: Any, method_context: Any) -> None:
    method: Any = registry().make("distiller", "agglomerative")
    source = teachers.source("s0", 1.0, [[0.0]] * 5, FEATURES["s0"].tolist())
    distil, _ = method.phases(teachers.learning_from(method_context, source))
    assert not list(distil.modules["balance"].parameters())
    assert len(list(distil.modules["balance"].buffers())) == 2


def test_without_dropping_it_is_the_mean_by_weight() -> None:
    method: Any = registry().make("distiller", "agglomerative")
    losses = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    assert float(method.summed(losses, [0.75, 0.25])) == pytest.approx((1.75 + 2.75) / 2)


def test_the_largest_loss_is_never_dropped() -> None:
    method: Any = registry().make("distiller", "agglomerative:drop=1")
    losses = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    # 4 with weight 0.25, 3 with 0.75, divided by both.
    assert float(method.summed(losses, [0.75, 0.25])) == pytest.approx((1.0 + 2.25) / 1.0)
    losses = torch.tensor([[4.0, 1.0], [3.0, 2.0]])
    assert float(method.summed(losses, [0.75, 0.25])) == pytest.approx((3.0 + 2.25) / 1.5)


def test_others_are_dropped_as_often_as_is_said() -> None:
    method: Any = registry().make("distiller", "agglomerative:drop=0.25")
    torch.manual_seed(0)
    losses = torch.tensor([[2.0, 1.0]]).repeat(4000, 1)
    # (2 + k) / (1 + k) with k the share of images that keep the second source.
    kept = 1 / (float(method.summed(losses, [0.5, 0.5])) - 1) - 1
    assert kept == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("text", ["agglomerative", "agglomerative:drop=0.5,hidden=8"])
def test_it_learns_from_toys(teachers: Any, toy_options: dict[str, Any], text: str) -> None:
    row = teachers.only(teachers.run(toy_options, text, strategy="equal", steps=10))
    assert set(row.result.sources.weights) == {"fixed-0", "bare-1", "small-2"}
    assert [(p["name"], p["steps"]) for p in row.result.declared["phases"]] == [
        ("distil", 6),
        ("finetune", 4),
    ]
    losses = [point.loss for point in row.result.curve[:6]]
    assert losses[5] < losses[0]
