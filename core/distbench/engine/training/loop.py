"""The loop: what every model that distbench trains goes through, phase by phase."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import nn

from distbench.engine.training.checkpoint import Checkpoint
from distbench.engine.training.compiled import compiled_backbone
from distbench.engine.training.memory_format import contiguous_where_needed
from distbench.engine.training.meter import Meter
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.steps.averages import AverageTeacher, moving_average
from distbench.engine.training.steps.descent import Blame, Descent, nobody
from distbench.engine.training.steps.losses import not_finite, scalar_of
from distbench.engine.training.steps.updates import Updates
from distbench.engine.training.steps.weight_guard import WeightGuard
from distbench.engine.training.streams import BatchStream
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Batches, Named
from distbench.storage.hashing import seed_for
from distbench.storage.rows import CurvePoint

Model = TypeVar("Model", bound=nn.Module)

_CURVE_POINTS = 10


def train_phases(
    model: Model,
    phases: Sequence[Phase],
    setting: TrainingSetting,
    *,
    seed: int,
    validate: Callable[[nn.Module], float | None] = lambda model: None,
    checkpoint: Checkpoint | None = None,
    progress: Callable[[int, int, torch.Tensor], None] = lambda step, steps, loss: None,
    meter: Meter | None = None,
    blame: Blame = nobody,
) -> tuple[Model, list[CurvePoint]]:
    """Trains a model phase by phase; the caller's random state is not touched.

    With a checkpoint the training goes on where it was when its process was killed, and on one
    device and version ends with the same bits as if it had not been; a loss that remembers
    something between steps other than in the phase's modules is not resumed.

    Args:
        model: What the losses expect, mostly a `Classifier`, on the setting's device; it is
            changed in place.
        phases: What to do.
        setting: Images, device and precision.
        seed: Of what layers draw, such as dropout; order and views have the setting's.
        validate: Accuracy on the validation images, for the learning curve.
        checkpoint: Where to keep what there is.
        progress: Told after each step how many are done, of how many, and the loss of this one, a
            scalar on the device, so that only who reads it waits for it.
        meter: Counts what is done; None if nobody asks.
        blame: Whose phases these are.

    Returns:
        The model (with the moving average of its weights, where a phase asks for it), in training
        mode, and the learning curve.

    Raises:
        DistbenchError: The loss is no longer finite, weights change outside the optimiser's step,
            or a step takes more optimiser steps or backward passes than its phase declares.
    """
    held = (checkpoint.load() if checkpoint else None) or {"phase": 0}
    total = sum(phase.steps for phase in phases)
    curve: list[CurvePoint] = []
    done = 0
    backbone = compiled_backbone(model, meter) if setting.compile else nullcontext()
    with backbone, _own_random(setting.device):
        torch.manual_seed(seed)
        for number, phase in enumerate(phases):
            if number >= held["phase"]:
                training = _PhaseTraining(model, phase, setting, number, done, curve, meter, blame)
                if number == held["phase"] and "step" in held:
                    training.load_state_dict(held)
                curve = training.run(
                    validate, checkpoint, lambda step, loss: progress(step, total, loss)
                )
            done += phase.steps
    if meter is not None:
        meter.stop()
    return model, curve


class _PhaseTraining:
    """One phase under way, with everything that its next step depends on.

    Args:
        model: The model.
        phase: What to do.
        setting: Where and how.
        number: Which phase this is.
        offset: Steps of the phases before.
        curve: Their learning curve.
        meter: Counts what is done.
        blame: Whose phase it is.
    """

    def __init__(
        self,
        model: nn.Module,
        phase: Phase,
        setting: TrainingSetting,
        number: int,
        offset: int,
        curve: Sequence[CurvePoint],
        meter: Meter | None,
        blame: Blame,
    ) -> None:
        self._counting = nullcontext if meter is None else meter.counting
        self._meter, self._whose = meter, blame
        self._model, self._phase, self._setting = model, phase, setting
        self._number, self._offset, self._curve = number, offset, [*curve]
        self._modules = nn.ModuleDict(dict(phase.modules)).to(setting.device)
        for module in (model, self._modules):
            contiguous_where_needed(module, setting.device)
        self._updates = Updates(phase)
        guard = WeightGuard(phase.name, model)
        with self._counting():
            self._descent = Descent(model, self._modules, phase, setting, self._blame)
        guard.look()
        guard.settle()
        self._average = moving_average(model, phase) if phase.ema else None
        self._teacher = (
            AverageTeacher(self._average) if self._average and phase.ema == "teacher" else None
        )
        self._streams = {
            name: BatchStream(stream, setting, seed_for(setting.seed, number, name), self._blame)
            for name, stream in phase.streams.items()
        }
        self._step = self._since = 0
        self._running = torch.zeros((), device=setting.device)
        self._odd = torch.zeros((), dtype=torch.int64, device=setting.device)

    def run(
        self,
        validate: Callable[[nn.Module], float | None],
        checkpoint: Checkpoint | None,
        progress: Callable[[int, torch.Tensor], None],
    ) -> list[CurvePoint]:
        """Goes on to the end of the phase; returns the learning curve up to there."""
        steps = self._phase.steps
        marks = {round(steps * (i + 1) / _CURVE_POINTS) for i in range(_CURVE_POINTS)}
        with _frozen_backbone(self._model, self._phase):
            self._train_mode()
            averages = () if self._average is None else (self._average,)
            guard = WeightGuard(self._phase.name, self._model, *averages)
            while self._step < steps:
                with self._counting(), self._updates.counting():
                    loss = self._advance(guard)
                if self._step in marks:
                    guard.settle()
                    self._mark(validate)
                if checkpoint is not None:
                    checkpoint.save_if_due(self.state_dict)
                progress(self._offset + self._step, loss)
            guard.look()
            guard.settle()
        if self._average is not None:
            self._model.load_state_dict(self._average.module.state_dict())
        return self._curve

    def _advance(self, guard: WeightGuard) -> torch.Tensor:
        """One optimiser step; returns its loss, a scalar."""
        self._step += 1
        self._descent.begin(self._step)
        with self._descent.precision():
            batches = self._batches()
            with self._blame("loss"):
                loss = scalar_of(self._phase.loss(self._model, batches), self._phase.name)
        self._descent.backward(loss)
        guard.look()
        self._descent.step()
        if self._phase.after_step is not None:
            with self._blame("after_step"):
                self._phase.after_step(self._model, self._step)
        if self._average is not None:
            self._average.update_parameters(self._model)
        guard.seal()
        self._running += loss.detach()
        self._odd = torch.where(loss.isfinite() | (self._odd > 0), self._odd, self._step)
        self._since += 1
        return loss.detach()

    def _batches(self) -> Batches:
        """What the loss of this step is given; how long that took is metered."""
        started = time.perf_counter()
        streams = {name: next(stream) for name, stream in self._streams.items()}
        if self._meter is not None:
            self._meter.waited += time.perf_counter() - started
        return Batches(Named("stream", streams), self._step, self._phase.steps, self._teacher)

    def _blame(self, doing: str) -> AbstractContextManager[None]:
        """Names whose phase it is, and which one, in what one of its functions raises."""
        return self._whose(f"{doing} of phase {self._phase.name!r}")

    def _mark(self, validate: Callable[[nn.Module], float | None]) -> None:
        """One point of the learning curve: the mean loss since the last one, and the accuracy."""
        step, mean = self._offset + self._step, float(self._running) / self._since
        if not math.isfinite(mean):
            raise not_finite(self._phase.name, int(self._odd))
        judged = self._model if self._average is None else self._average.module
        self._curve.append(CurvePoint(step=step, loss=mean, validation_accuracy=validate(judged)))
        self._train_mode()
        self._running.zero_()
        self._since = 0

    def _train_mode(self) -> None:
        self._model.train()
        self._modules.train()
        if not self._phase.train_backbone:
            _backbone(self._model).eval()

    def _parts(self) -> dict[str, Any]:
        """What has a state of its own."""
        parts = {"model": self._model, "modules": self._modules, **self._descent.parts()}
        average = {} if self._average is None else {"average": self._average}
        streams = {f"stream {name}": stream for name, stream in self._streams.items()}
        return {**parts, **average, **streams}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        device = self._setting.device
        return {
            "phase": self._number,
            "step": self._step,
            "since": self._since,
            "running": self._running,
            "odd": self._odd,
            "curve": [point.model_dump(mode="json") for point in self._curve],
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where another training of the same phase was."""
        self._step, self._since = state["step"], state["since"]
        self._running.copy_(state["running"])
        self._odd.copy_(state["odd"])
        self._curve = [CurvePoint.model_validate(point) for point in state["curve"]]
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        if state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], self._setting.device)


@contextmanager
def _own_random(device: torch.device) -> Iterator[None]:
    """The caller's random state comes back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def _frozen_backbone(model: nn.Module, phase: Phase) -> Iterator[None]:
    """The backbone has no gradients meanwhile, where the phase leaves it as it is."""
    frozen = [] if phase.train_backbone else [*_backbone(model).parameters()]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def _backbone(model: nn.Module) -> nn.Module:
    if not isinstance(model, Classifier):
        raise TypeError("only a Classifier has a backbone that can be left as it is")
    return model.backbone
