from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from distbench import Batch, Classifier, Phase, Stream
from distbench.engine.stages.train import check_phases
from distbench.engine.training.loop import (
    Setting,
    _average,
    _batches,
    _groups,
    _schedule,
    train_phase,
)
from distbench.engine.training.macs import count_macs
from distbench.errors import DistbenchError, PluginError


class Backbone(torch.nn.Module):
    num_features = 4

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x))).mean((2, 3))


def student() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Backbone(), 3, (0.5,) * 3, (0.25,) * 3)  # type: ignore[arg-type]


def setting(count: int = 20, precision: str = "fp32") -> Setting:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)
    return Setting(pictures, 8, torch.device("cpu"), precision, seed=5)


LABELS = np.arange(20, dtype=np.int64) % 3


def phase(**more: object) -> Phase:
    def loss(model: Classifier, batch: dict[str, Batch]) -> torch.Tensor:
        images = batch["x"].views["plain"]
        return torch.nn.functional.cross_entropy(model(images), batch["x"].labels)

    stream = Stream(np.arange(20), 5, ("plain",), labels=LABELS)
    return Phase(**{"steps": 20, "streams": {"x": stream}, "loss": loss, "lr": 0.05, **more})  # type: ignore[arg-type]


def test_an_epoch_shows_every_image_once() -> None:
    stream = Stream(np.array([3, 5, 7, 9, 11]), 2, ("plain",), targets={"own": LABELS[:, None]})
    batches = _batches(stream, setting(), 1)
    seen = [int(v) for _ in range(5) for v in next(batches).targets["own"].flatten()]
    assert sorted(seen[:4] + seen[4:5]) == sorted(LABELS[[3, 5, 7, 9, 11]].tolist())
    assert sorted(seen) == sorted(2 * LABELS[[3, 5, 7, 9, 11]].tolist())
    assert (next(batches).labels == -1).all()


def test_the_schedule_warms_up_and_falls_to_zero() -> None:
    values = [_schedule(step, 100) for step in range(1, 101)]
    assert values[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert values[-1] == pytest.approx(0, abs=1e-12)
    assert all(a >= b for a, b in pairwise(values[4:]))


def test_training_lowers_the_loss_and_is_repeatable() -> None:
    first, curve = train_phase(student(), phase(steps=100), setting(), lambda m: 0.5)
    again, _ = train_phase(student(), phase(steps=100), setting(), lambda m: 0.5)
    assert curve[-1].loss < curve[0].loss
    assert [p.step for p in curve] == list(range(10, 101, 10))
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_average_fits_the_steps() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    average = _average(model, 100)
    average.update_parameters(model)
    torch.nn.init.constant_(model.weight, 0.0)
    for _ in range(100):
        average.update_parameters(model)
    # decay 1 - 10/100 = 0.9: of the start 0.9 ** 100 is left, with 0.999 it would be 90 %
    assert average.module.weight.item() == pytest.approx(0.9**100, rel=1e-3)


def test_ema_returns_the_average() -> None:
    plain, _ = train_phase(student(), phase(), setting(), lambda m: None)
    averaged, _ = train_phase(student(), phase(ema=True), setting(), lambda m: None)
    assert not torch.equal(plain.head.weight, averaged.head.weight)


def test_norms_and_biases_are_not_decayed_and_heads_have_their_rate() -> None:
    extra = torch.nn.ModuleDict({"heads": torch.nn.Linear(4, 2)})
    wanted = phase(lr=0.1, head_lr=3.0, module_lr={"heads": 10.0}, weight_decay=0.01)
    groups = _groups(student(), extra, wanted)
    found = {(round(g["lr"], 6), g["weight_decay"], g["params"][0].ndim > 1) for g in groups}  # type: ignore[call-overload, index]
    assert found == {
        (0.1, 0.01, True),
        (0.1, 0.0, False),
        (0.3, 0.01, True),
        (0.3, 0.0, False),
        (1.0, 0.01, True),
        (1.0, 0.0, False),
    }


def test_a_loss_that_explodes_is_named() -> None:
    broken = phase(loss=lambda s, b: s(b["x"].views["plain"]).sum() * math.inf)
    with pytest.raises(DistbenchError, match="no longer finite at step 2; try a smaller lr"):
        train_phase(student(), broken, setting(), lambda m: None)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_precisions(precision: str) -> None:
    _, curve = train_phase(student(), phase(), setting(precision=precision), lambda m: None)
    assert math.isfinite(curve[-1].loss)


def test_macs_of_a_known_network() -> None:
    # 8x8 positions x 4 filters of 3x3x3, and a 4x3 classifier
    assert count_macs(student(), 8) == 64 * 4 * 27 + 12


def test_what_is_against_the_rules_is_refused() -> None:
    from distbench.interfaces.suite import Protocol
    from distbench.plugins.registry import registry

    class Context:
        protocol = Protocol(steps=40)
        validation = np.array([30, 31])

    method, allowed = registry().make("baseline", "finetune"), phase()
    check_phases(method, [allowed, allowed], Context())  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="take 60 steps, the protocol allows 40"):
        check_phases(method, [allowed] * 3, Context())  # type: ignore[arg-type]
    for positions, message in (([], "'x' has no images"), ([1, 30], "'x' holds validation images")):
        wrong = phase(streams={"x": Stream(np.array(positions, dtype=np.int64), 2)})
        with pytest.raises(PluginError, match=message):
            check_phases(method, [wrong], Context())  # type: ignore[arg-type]
