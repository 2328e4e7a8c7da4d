"""Stage 5: train a student by the phases of a method."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from distbench.engine.training.loop import train_phases
from distbench.engine.training.macs import count_macs
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.student import build_student
from distbench.errors import PluginError
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import MethodContext
from distbench.interfaces.method import Method
from distbench.interfaces.phase import Phase
from distbench.interfaces.student import Student
from distbench.storage.rows import CurvePoint


@dataclass(frozen=True)
class Trained:
    """A trained student and how it came about.

    Attributes:
        model: The student, in evaluation mode on the training device.
        setting: How it was trained, and how it is judged.
        curve: Its learning curve.
        declared: What methods differ in by nature, for the row.
        macs: Multiply-accumulates of one image through the student.
        training_macs: Multiply-accumulates of training: an image forward, and twice as much back
            where the backbone is trained.
        seconds: Time in the loop.
    """

    model: Classifier
    setting: TrainingSetting
    curve: tuple[CurvePoint, ...]
    declared: dict[str, Any]
    macs: int
    training_macs: int
    seconds: float


def fresh_student(
    student: Student, method: Method, context_seed: int, num_classes: int, device: torch.device
) -> Classifier:
    """The student as a method starts from it."""
    if method.initialisation not in ("pretrained", "random", "source"):
        raise PluginError(method.name, f"unknown initialisation {method.initialisation!r}")
    pretrained = method.initialisation == "pretrained"
    return build_student(student, num_classes, pretrained=pretrained, seed=context_seed).to(device)


def train(
    method: Method,
    context: MethodContext,
    model: Classifier,
    setting: TrainingSetting,
    validate: Callable[[nn.Module], float | None],
) -> Trained:
    """Trains a student.

    Raises:
        Declined: The method cannot be used here.
        PluginError: It asks for more steps than the protocol allows.
    """
    macs = count_macs(model, setting.image_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed_for("modules"))
        phases = method.phases(context)
    check_phases(method, phases, context)
    started = time.perf_counter()
    model, curve = train_phases(
        model, phases, setting, seed=context.seed_for("training"), validate=validate
    )
    if setting.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    model.eval()
    passes = [phase.steps * _images(phase) for phase in phases]
    steps = sum(phase.steps for phase in phases)
    declared = {
        "initialisation": method.initialisation,
        "steps": steps,
        "images_per_step": sum(passes) / max(steps, 1),
        "phases": [phase.declared() for phase in phases],
    }
    spent = sum(
        macs * count * (3 if phase.train_backbone else 1)
        for phase, count in zip(phases, passes, strict=True)
    )
    return Trained(model, setting, tuple(curve), declared, macs, spent, seconds)


def check_phases(method: Method, phases: Sequence[Phase], context: MethodContext) -> None:
    """Refuses a method that would not play by the rules that hold for every other one.

    Raises:
        PluginError: It wants more steps than the protocol allows, a stream without images, or to
            train on validation images.
    """
    wanted, steps = sum(phase.steps for phase in phases), context.protocol.steps
    if wanted > steps:
        raise PluginError(
            method.name, f"its phases take {wanted} steps, the protocol allows {steps}"
        )
    for phase in phases:
        for name, stream in phase.streams.items():
            if not len(stream.positions):
                raise PluginError(method.name, f"stream {name!r} has no images")
            if stream.of == "train" and np.isin(stream.positions, context.validation).any():
                raise PluginError(method.name, f"stream {name!r} holds validation images")


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
