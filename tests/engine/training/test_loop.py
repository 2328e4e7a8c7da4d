from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import (
    Batch,
    Batches,
    Checkpoint,
    Classifier,
    Optimiser,
    Phase,
    Stream,
    TrainingSetting,
    train_phases,
    warm_up_cosine,
)
from distbench.engine.stages.train import check_phases
from distbench.engine.training import checkpoint as checkpoints
from distbench.engine.training.macs import count_macs
from distbench.engine.training.meter import Meter
from distbench.engine.training.steps.averages import moving_average
from distbench.engine.training.streams import BatchStream
from distbench.errors import DistbenchError, PluginError
from distbench.interfaces.calls import naming
from distbench.storage.rows import CurvePoint


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


def setting(count: int = 20, precision: str = "fp32") -> TrainingSetting:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)
    return TrainingSetting(pictures, 8, torch.device("cpu"), precision, seed=5)


LABELS = np.arange(20, dtype=np.int64) % 3


def phase(**more: object) -> Phase:
    def loss(model: Classifier, batch: dict[str, Batch]) -> torch.Tensor:
        images = batch["x"].views["plain"]
        return torch.nn.functional.cross_entropy(model(images), batch["x"].labels)

    stream = Stream(np.arange(20), 5, ("plain",), labels=LABELS)
    return Phase(**{"steps": 20, "streams": {"x": stream}, "loss": loss, "lr": 0.05, **more})  # type: ignore[arg-type]


def trained(
    wanted: Phase, where: TrainingSetting | None = None, **more: object
) -> tuple[Classifier, list[CurvePoint]]:
    more = {"seed": 0, "validate": lambda model: 0.5, **more}
    return train_phases(student(), [wanted], where or setting(), **more)  # type: ignore[arg-type]


def test_an_epoch_shows_every_image_once() -> None:
    stream = Stream(np.array([3, 5, 7, 9, 11]), 2, ("plain",), targets={"own": LABELS[:, None]})
    batches = BatchStream(stream, setting(), 1)
    seen = [int(v) for _ in range(5) for v in next(batches).targets["own"].flatten()]
    assert sorted(seen[:4] + seen[4:5]) == sorted(LABELS[[3, 5, 7, 9, 11]].tolist())
    assert sorted(seen) == sorted(2 * LABELS[[3, 5, 7, 9, 11]].tolist())
    assert (next(batches).labels == -1).all()


def test_the_schedule_warms_up_and_falls_to_zero_after_the_last_step() -> None:
    values = [warm_up_cosine()(step, 100) for step in range(1, 102)]
    assert values[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert values[-1] == pytest.approx(0, abs=1e-12)
    assert all(a > b for a, b in pairwise(values[4:]))


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_no_step_is_without_a_rate(steps: int) -> None:
    values = [warm_up_cosine()(step, steps) for step in range(1, steps + 1)]
    assert max(values) == values[0] == 1
    assert min(values) > 0


def test_training_lowers_the_loss_and_is_repeatable() -> None:
    first, curve = trained(phase(steps=100))
    again, _ = trained(phase(steps=100))
    assert curve[-1].loss < curve[0].loss
    assert [p.step for p in curve] == list(range(10, 101, 10))
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_average_fits_the_steps() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    average = moving_average(model, phase(steps=100))
    average.update_parameters(model)
    torch.nn.init.constant_(model.weight, 0.0)
    for _ in range(100):
        average.update_parameters(model)
    # decay 1 - 10/100 = 0.9: of the start 0.9 ** 100 is left, with 0.999 it would be 90 %
    assert average.module.weight.item() == pytest.approx(0.9**100, rel=1e-3)


def test_ema_returns_the_average() -> None:
    plain, _ = trained(phase())
    averaged, _ = trained(phase(ema=True))
    assert not torch.equal(plain.head.weight, averaged.head.weight)


def test_a_loss_knows_its_step_and_the_average_of_the_model() -> None:
    seen: list[tuple[int, int]] = []
    apart: list[float] = []

    def loss(model: Classifier, batch: Batches) -> torch.Tensor:
        seen.append((batch.step, batch.steps))
        images = batch["x"].views["plain"]
        logits = model(images)
        taught = batch.average(images)
        assert not taught.requires_grad
        assert torch.equal(taught, batch.average.classify(batch.average.features(images)))
        apart.append((batch.average._model.head.weight - model.head.weight).abs().max().item())
        return (logits - taught).square().mean() + logits.square().mean()

    meter = Meter(model := student(), 8)
    train_phases(
        model,
        [phase(loss=loss, ema="teacher", ema_decay=0.9, steps=4)],
        setting(),
        seed=0,
        meter=meter,
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert apart[:2] == [0, 0], "the first step is taken over whole"
    assert 0 < apart[2] < apart[3]
    # 5 images a step: forward through the model, and twice through the average
    assert (meter.forward, meter.backward) == (3 * 4 * 5, 4 * 5)


def test_the_average_keeps_what_it_is_told_to() -> None:
    for decay in (0.0, 0.5):
        model = student()
        average = moving_average(model, phase(ema=True, ema_decay=decay))
        average.update_parameters(model)
        before = model.head.weight.detach().clone()
        with torch.no_grad():
            model.head.weight.add_(1.0)
        average.update_parameters(model)
        kept = decay * before + (1 - decay) * (before + 1)
        assert torch.allclose(average.module.head.weight, kept)
    for wrong in ({"ema_decay": 0.5}, {"ema": True, "ema_decay": 1.0}):
        with pytest.raises(ValueError, match="at least 0 and below 1, and needs ema"):
            phase(**wrong)


def test_a_long_gradient_is_clipped_and_a_short_one_is_not() -> None:
    def moved(clip: float | None, scale: float) -> float:
        def loss(model: Classifier, batch: Batches) -> torch.Tensor:
            return model.head.weight.sum() * scale

        model, before = student(), student().head.weight
        train_phases(
            model,
            [phase(loss=loss, clip=clip, steps=1, momentum=0.0, weight_decay=0.0, lr=1.0)],
            setting(),
            seed=0,
        )
        return float((model.head.weight - before).detach().norm())

    length = 12**0.5  # of a gradient of ones on 3 x 4 weights
    assert moved(None, 5.0) == pytest.approx(5 * length, rel=1e-5)
    assert moved(1.0, 5.0) == pytest.approx(1.0, rel=1e-4)
    assert moved(100.0, 5.0) == pytest.approx(5 * length, rel=1e-5)
    with pytest.raises(ValueError, match="clip is 0; the largest norm"):
        phase(clip=0)


def test_weights_may_be_changed_after_a_step_and_nowhere_else() -> None:
    steps = []

    def after(model: Classifier, step: int) -> None:
        steps.append(step)
        with torch.no_grad():
            model.head.weight.div_(model.head.weight.norm())

    model, _ = trained(phase(after_step=after, steps=3))
    assert steps == [1, 2, 3]
    assert float(model.head.weight.detach().norm()) == pytest.approx(1, rel=1e-5)

    def within(model: Classifier, batch: Batches) -> torch.Tensor:
        after(model, 0)
        return model(batch["x"].views["plain"]).square().mean()

    with pytest.raises(DistbenchError, match="changes weights of the model outside"):
        trained(phase(loss=within))


def test_a_phase_has_a_precision_of_its_own() -> None:
    assert phase(precision="fp32").declared()["precision"] == "fp32"
    assert "precision" not in phase().declared()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda m, b: b["y"], "there is no stream 'y'; there is 'x'"),
        (lambda m, b: b["x"].views["strong2"], "there is no view 'strong2'; there is 'plain'"),
        (lambda m, b: b["x"].targets["soft"], "there is no target 'soft'; there is none"),
    ],
)
def test_what_there_is_is_named(loss: object, message: str) -> None:
    with pytest.raises(DistbenchError) as caught:
        trained(phase(loss=loss))
    assert str(caught.value) == message


def test_a_loss_that_explodes_is_named() -> None:
    for first, message in (
        (1, "'train' is not finite in its first step, before anything was learnt; look for"),
        (4, "'train' is no longer finite at step 4; try a smaller learning rate"),
    ):

        def loss(model: Classifier, batch: Batches, first: int = first) -> torch.Tensor:
            share = math.inf if batch.step >= first else 1.0
            return model(batch["x"].views["plain"]).square().sum() * share

        with pytest.raises(DistbenchError, match=message):
            trained(phase(loss=loss))


def _fails(*_: object) -> Any:
    raise RuntimeError("boom")


class _FailsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    backward = staticmethod(_fails)


class _NeverSteps(torch.optim.SGD):
    step = _fails


@pytest.mark.parametrize(
    ("more", "doing"),
    [
        ({"loss": _fails}, "loss"),
        ({"loss": lambda m, b: _FailsBackward.apply(m.head.bias.sum())}, "gradient of the loss"),
        ({"schedule": _fails}, "schedule"),
        ({"schedule": lambda step, steps: None}, "schedule"),
        ({"optimiser": _fails}, "optimiser"),
        ({"optimiser": lambda model, modules: None}, "optimiser"),
        ({"optimiser": Optimiser(torch.optim.SGD, {"momentun": 0.9})}, "optimiser"),
        ({"optimiser": Optimiser(_NeverSteps)}, "step of the optimiser"),
        ({"after_step": _fails}, "after_step"),
        ({"streams": {"x": Stream(np.arange(20), 5, {"own": _fails})}}, "view 'own'"),
    ],
)
def test_whatever_a_phase_raises_names_whose_it_is(more: dict[str, Any], doing: str) -> None:
    with pytest.raises(PluginError) as caught:
        trained(phase(**more), blame=partial(naming, "mine"))
    assert str(caught.value).startswith(f"plugin 'mine': {doing} of phase 'train': ")


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (lambda s, b: 0.5, "gives 0.5; it gives a tensor of one number"),
        (lambda s, b: None, "gives None; it"),
        (lambda s, b: s(b["x"].views["plain"]), r"gives a tensor \(\d+, \d+\); it"),
    ],
)
def test_a_loss_that_is_no_scalar_is_named(loss: object, shown: str) -> None:
    with pytest.raises(DistbenchError, match=f"the loss of phase 'train' {shown}"):
        trained(phase(loss=loss))


def test_halves_are_for_cuda_alone() -> None:
    plain, _ = trained(phase())
    for precision in ("bf16", "fp16"):
        other, _ = trained(phase(), setting(precision=precision))
        assert torch.equal(plain.head.weight, other.head.weight)


def test_a_schedule_and_an_optimiser_of_ones_own() -> None:
    asked: list[tuple[int, int]] = []

    def schedule(step: int, steps: int) -> float:
        asked.append((step, steps))
        return 0.5

    def optimiser(model: torch.nn.Module, modules: torch.nn.ModuleDict) -> torch.optim.Optimizer:
        assert list(modules) == ["more"]
        return torch.optim.SGD(model.parameters(), lr=0.2)

    wanted = phase(
        steps=1, schedule=schedule, optimiser=optimiser, modules={"more": torch.nn.Linear(1, 1)}
    )
    before = student()
    images = setting().images[[0]]
    wanted = replace(
        wanted,
        streams={"x": Stream(np.array([0]), 1, {"own": lambda stored, *_: stored})},
        loss=lambda model, batch: model.head.bias[0] * batch["x"].views["own"].shape[0],
    )
    after, _ = trained(wanted)
    assert images.shape == (1, 8, 8, 3) and asked == [(1, 1)]
    assert (before.head.bias - after.head.bias).tolist() == pytest.approx([0.1, 0, 0])


def test_views_of_ones_own_see_stored_images_and_which_they_are() -> None:
    where = setting()

    def view(stored: torch.Tensor, positions: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        assert np.array_equal(stored, where.images[positions])
        return torch.rand(len(stored), generator=draw)

    several = np.eye(20, dtype=np.int64)
    stream = Stream(np.arange(3, 9), 4, {"own": view}, labels=several, drop_last=True, seed=7)
    batches = BatchStream(stream, where, 1)
    draw = torch.Generator().manual_seed(7)
    for _ in range(2):  # each epoch is one batch and two images that are left out
        order = torch.randperm(6, generator=draw)[:4]
        batch = next(batches)
        assert batch.positions.tolist() == (order + 3).tolist()
        assert torch.equal(batch.labels, torch.from_numpy(several)[order + 3])
        assert torch.equal(batch.views["own"], torch.rand(4, generator=draw))
    with pytest.raises(ValueError, match="3 images make no batch of 4, and drop_last"):
        Stream(np.arange(3), 4, drop_last=True)


class Dropping(Backbone):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(super().forward(x), 0.3, self.training)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 7, 20, 23, 33])
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    monkeypatch.setattr(checkpoints, "_SECONDS", 0.0)

    def run(file: Path, stop: int = -1, key: str = "a") -> tuple[Classifier, list[CurvePoint]]:
        def progress(step: int, steps: int, loss: torch.Tensor) -> None:
            assert steps == 33 and loss.shape == ()
            seen.append(step)
            if step == stop:
                raise KeyboardInterrupt

        torch.manual_seed(0)
        model = Classifier(Dropping(), 3, (0.5,) * 3, (0.25,) * 3)  # type: ignore[arg-type]
        weak = Stream(np.arange(20), 7, labels=LABELS)

        def loss(model: Classifier, batch: dict[str, Batch]) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(
                wide(model(batch["x"].views["weak"])), batch["x"].labels
            )

        wide = torch.nn.Linear(3, 3)
        own = {"streams": {"x": weak}, "loss": loss, "modules": {"wide": wide}}
        phases = [phase(ema=True, **own), phase(steps=13, **own)]
        return train_phases(
            model,
            phases,
            setting(),
            seed=3,
            validate=lambda m: next(m.parameters()).sum().item(),
            checkpoint=Checkpoint(file, key),
            progress=progress,
        )

    seen: list[int] = []
    whole, curve = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", stop)
    seen.clear()
    again, curve_again = run(tmp_path / "cut")
    assert seen == list(range(stop + 1, 34))
    assert curve == curve_again
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    seen.clear()
    run(tmp_path / "cut", key="b")
    assert seen[0] == 1  # of another training: begun again
    (tmp_path / "cut").write_bytes(b"half a file")
    assert Checkpoint(tmp_path / "cut", "a").load() is None


def test_macs_of_a_known_network() -> None:
    # 8x8 positions x 4 filters of 3x3x3, and a 4x3 classifier
    assert count_macs(student(), 8) == 64 * 4 * 27 + 12


def test_what_is_against_the_rules_is_refused() -> None:
    from distbench.interfaces.suite import Protocol
    from distbench.plugins.registry import registry

    class Context:
        protocol = Protocol(steps=40)
        validation = np.array([30, 31])
        labels = np.zeros(32, dtype=np.int64)

    method = registry().make("baseline", "finetune")
    images = Stream(np.arange(20), 5, labels=np.zeros(32, dtype=np.int64))
    allowed = phase(streams={"x": images})
    check_phases(method, [allowed, allowed], Context(), setting(32), 40)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="take 60 steps, the protocol allows 40"):
        check_phases(method, [allowed] * 3, Context(), setting(32), 40)  # type: ignore[arg-type]
    for positions, message in (
        ([], "'x' has no images"),
        ([1, 30], "'x' holds validation images"),
        ([1, -2], r"'x' has positions outside 0\.\.31"),
        ([1, 32], r"'x' has positions outside 0\.\.31"),
    ):
        wrong = phase(streams={"x": Stream(np.array(positions, dtype=np.int64), 2)})
        with pytest.raises(PluginError, match=message):
            check_phases(method, [wrong], Context(), setting(32), 40)  # type: ignore[arg-type]
