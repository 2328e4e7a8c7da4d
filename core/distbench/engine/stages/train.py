"""Stage 5: train a student by the phases of a method."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from distbench.engine.news import TrainingNews
from distbench.engine.training.augment import VIEWS
from distbench.engine.training.inference import Judged
from distbench.engine.training.loop import train_phases
from distbench.engine.training.macs import count_macs
from distbench.engine.training.meter import Meter
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.steps.optimisers import normalised_by_layers
from distbench.engine.training.streams import stream_finding
from distbench.engine.training.student import build_student
from distbench.errors import PluginError
from distbench.interfaces.calls import naming
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import MethodContext
from distbench.interfaces.method import Method
from distbench.interfaces.student import Student
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Stream, as_int
from distbench.storage.rows import CurvePoint


@dataclass(frozen=True)
class Trained:
    """A trained student and how it came about.

    Attributes:
        model: The student, in evaluation mode on the training device.
        network: What its logits are taken from when it is judged: the model, or several views
            through it.
        setting: How it was trained, and how it is judged.
        curve: Its learning curve.
        declared: What methods differ in by nature, for the row.
        macs: Multiply-accumulates of one image through the network.
        training_macs: Multiply-accumulates of training: of each image that went forward, and
            twice as much of each whose gradients came back.
        images_forward: Images that went forward through the student.
        images_backward: Images whose gradients came back through it.
        seconds: Time in the loop.
        data_seconds: Of it, how long the loop waited for batches.
    """

    model: Classifier
    network: nn.Module
    setting: TrainingSetting
    curve: tuple[CurvePoint, ...]
    declared: dict[str, Any]
    macs: int
    training_macs: int
    images_forward: int
    images_backward: int
    seconds: float
    data_seconds: float

    def as_judged(self, judged: Judged) -> Trained:
        """With what is judged in place of what was trained, and what finding that took."""
        single = self.macs
        macs = single
        if judged.network is not judged.model:
            macs = count_macs(judged.network, self.setting.image_size)
        return replace(
            self,
            model=judged.model,
            network=judged.network,
            declared=self.declared | judged.declared,
            macs=macs,
            training_macs=self.training_macs + single * judged.shown,
            images_forward=self.images_forward + judged.shown,
        )


def fresh_student(
    student: Student, method: Method, context_seed: int, num_classes: int, device: torch.device
) -> Classifier:
    """The student as a method starts from it."""
    if method.initialisation not in ("pretrained", "random", "source"):
        raise PluginError(method.name, f"unknown initialisation {method.initialisation!r}")
    pretrained = method.initialisation == "pretrained"
    return build_student(
        student, num_classes, pretrained=pretrained, seed=context_seed, device=device
    )


def train(
    method: Method,
    context: MethodContext,
    model: Classifier,
    setting: TrainingSetting,
    validate: Callable[[nn.Module], float | None],
    *,
    steps: int,
) -> Trained:
    """Trains a student.

    Args:
        method: What trains it.
        context: What the method sees.
        model: The student, as the method starts from it.
        setting: Where and how precisely.
        validate: Accuracy on the validation images.
        steps: How many the protocol allows.

    Raises:
        Declined: The method cannot be used here.
        PluginError: It asks for more steps than the protocol allows.
    """
    macs = count_macs(model, setting.image_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed_for("modules"))
        with naming(method.name, "phases"):
            phases = [*method.phases(context)]
    check_phases(method, phases, context, setting, steps)
    meter = Meter(model, setting.image_size)
    started = time.perf_counter()
    news = TrainingNews(validate)
    model, curve = train_phases(
        model,
        phases,
        setting,
        seed=context.seed_for("training"),
        validate=news.validate,
        progress=news.step,
        meter=meter,
        blame=partial(naming, method.name),
    )
    if setting.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    model.eval()
    taken = sum(phase.steps for phase in phases)
    declared = {
        "initialisation": method.initialisation,
        "steps": taken,
        "images_per_step": sum(p.steps * p.passes * _images(p) for p in phases) / taken,
        "phases": [_declared(phase, model) for phase in phases],
    }
    return Trained(
        model,
        model,
        setting,
        tuple(curve),
        declared,
        macs,
        macs * (meter.forward + 2 * meter.backward),
        meter.forward,
        meter.backward,
        seconds,
        meter.waited,
    )


def check_phases(
    method: Method,
    phases: Sequence[Phase],
    context: MethodContext,
    setting: TrainingSetting,
    steps: int,
) -> None:
    """Refuses a method that would not play by the rules that hold for every other one.

    Raises:
        PluginError: It has no phase, one without steps, more steps than the protocol allows, a
            stream without images or with what does not fit them, or would train on validation
            images.
    """
    if not phases:
        raise PluginError(method.name, "it has no phases; give one at least")
    for phase in phases:
        if not isinstance(phase, Phase):
            raise PluginError(method.name, f"phases: {phase!r} is no distbench.Phase")
        if (whole := as_int(phase.steps)) is None or whole < 1:
            raise PluginError(
                method.name,
                f"phase {phase.name!r} has {phase.steps} steps; a phase has a whole number of "
                "them, 1 at least",
            )
        if (whole := as_int(phase.passes)) is None or whole < 1:
            raise PluginError(
                method.name,
                f"phase {phase.name!r} has {phase.passes} passes a step; it is a whole number of "
                "them, 1 at least",
            )
    wanted = sum(phase.steps * phase.passes for phase in phases)
    if wanted > steps:
        each = " (each pass of a step counts as one)" if any(p.passes > 1 for p in phases) else ""
        raise PluginError(
            method.name, f"its phases take {wanted} steps{each}, the protocol allows {steps}"
        )
    for phase in phases:
        for name, stream in phase.streams.items():
            if not isinstance(stream, Stream):
                raise PluginError(
                    method.name, f"stream {name!r} is {stream!r} and no distbench.Stream"
                )
            if not len(stream.positions):
                raise PluginError(method.name, f"stream {name!r} has no images")
            if odd := [view for view in _named_views(stream) if view not in VIEWS]:
                raise PluginError(
                    method.name,
                    f"stream {name!r} has no view {min(odd)!r}; there are {', '.join(VIEWS)}, and "
                    "a mapping holds one's own",
                )
            with naming(method.name, f"stream {name!r}"):
                wrong = stream_finding(stream, len(setting.pixels(stream.of)))
            if wrong:
                raise PluginError(method.name, f"stream {name!r} {wrong}")
            if stream.of == "train" and np.isin(stream.positions, context.validation).any():
                raise PluginError(method.name, f"stream {name!r} holds validation images")


def _declared(phase: Phase, model: Classifier) -> dict[str, Any]:
    """What a row says of a phase, with the optimiser where that is not SGD."""
    layers = phase.optimiser is None and normalised_by_layers(model)
    return phase.declared() | ({"optimiser": "adamw"} if layers else {})


def _named_views(stream: Stream) -> list[str]:
    """The views of a stream that are asked for by their names."""
    views = stream.views.values() if isinstance(stream.views, Mapping) else stream.views
    return [view for view in views if isinstance(view, str)]


def _images(phase: Phase) -> int:
    """Images that go through the student in a step, every view of them."""
    return sum(stream.batch * len(stream.views) for stream in phase.streams.values())


def weights_digest(model: nn.Module) -> str:
    """SHA-256 over the names and values of a model's weights."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
