"""Heads of methods: refused where they could not be trained, judged or shipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

from distbench import Baseline, CosineHead, MethodContext, Phase, PluginError
from distbench.engine.training.heads import give_head
from distbench.interfaces.classifier import Classifier


class Headed(Baseline):
    """Ours."""

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        return []


def headed(build: Callable[[int, int], object]) -> Headed:
    class Own(Headed):
        def build_head(self, num_features: int, num_classes: int) -> nn.Module | None:
            return build(num_features, num_classes)  # type: ignore[return-value]

    method = Own()
    Own.name = "own"
    return method


def student() -> Classifier:
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone.num_features = 4  # type: ignore[assignment]
    return Classifier(backbone, 3, (0.5,) * 3, (0.5,) * 3)  # type: ignore[arg-type]


class Batchwise(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x - x.mean(0))


class Forgetful(nn.Linear):
    def __init__(self, *widths: int) -> None:
        super().__init__(*widths)
        self.shift = torch.randn(widths[1])  # no buffer: it is not shipped

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + self.shift


class Infinite(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) / 0


WIDTH = [3]


def another_width(d: int, c: int) -> nn.Module:
    WIDTH[0] += 1
    return nn.Sequential(nn.Linear(d, WIDTH[0]), nn.Linear(WIDTH[0], c))


ONE = nn.Linear(4, 3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda d, c: "linear", "gave a str and no torch.nn.Module"),
        (lambda d, c: nn.Linear(d, c + 1), r"logits of shape \(3, 4\) for features \(3, 4\)"),
        (lambda d, c: nn.Linear(d + 1, c), "its head: RuntimeError"),
        (Infinite, "the logits of its head are not finite"),
        (Batchwise, "depend on the others of its batch"),
        (Forgetful, "its weights give other logits in a head that is built anew"),
        (lambda d, c: ONE, "the same module twice"),
        (another_width, "it may depend on the widths alone"),
        (lambda d, c: 1 / 0, "build_head: ZeroDivisionError"),
    ],
)
def test_what_is_no_head(build: Callable[[int, int], object], message: str) -> None:
    with pytest.raises(PluginError, match=f"plugin 'own': build_head: .*{message}|{message}"):
        give_head(headed(build), 3, student(), seed=0)


def test_each_student_has_a_head_of_its_own_and_the_first_follows_from_the_seed() -> None:
    one, same, other, fresh = (student() for _ in range(4))
    before = torch.get_rng_state()
    give_head(headed(CosineHead), 3, one, fresh, seed=1)
    give_head(headed(CosineHead), 3, same, seed=1)
    give_head(headed(CosineHead), 3, other, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    weights = [getattr(m.head, "weight").tolist() for m in (one, same, other, fresh)]  # noqa: B009
    assert weights[0] == weights[1]
    assert weights[0] not in weights[2:]
    assert one.head is not fresh.head
    assert one.head.training


def test_without_a_head_all_stays() -> None:
    model = student()
    head = model.head
    give_head(Headed(), 3, model, seed=0)
    assert model.head is head
