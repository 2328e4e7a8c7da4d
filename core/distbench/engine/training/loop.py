"""The loop: optimiser, schedule, precision, moving average and learning curve of every method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.training.augment import VIEWS
from distbench.engine.training.batches import to_batch
from distbench.errors import DistbenchError
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.phase import Batch, Phase, Stream
from distbench.interfaces.task import UNLABELLED
from distbench.storage.hashing import seed_for
from distbench.storage.rows import CurvePoint

_WARM_UP = 0.05


_CURVE_POINTS = 10


_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Setting:
    """Where and how precisely a student is trained.

    Attributes:
        images: uint8 (n, s, s, 3), the train images.
        transfer: uint8 (m, t, t, 3), those of the transfer set; None where there is none.
        image_size: Side of the student's input.
        device: Where it is trained.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        seed: Seed of order and augmentation; equal for all methods of one task and seed.
    """

    images: NDArray[np.uint8]
    image_size: int
    device: torch.device
    precision: str
    seed: int
    transfer: NDArray[np.uint8] | None = None

    def pixels(self, of: str) -> NDArray[np.uint8]:
        """The images of a stream.

        Raises:
            ValueError: There is no transfer set.
        """
        if of == "train":
            return self.images
        if self.transfer is None:
            raise ValueError("this method has no transfer set")
        return self.transfer

    def autocast(self) -> AbstractContextManager[object]:
        """The precision as a context."""
        dtype = _DTYPES.get(self.precision)
        if dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=dtype)


def train_phase(
    model: Classifier,
    phase: Phase,
    setting: Setting,
    validate: Callable[[nn.Module], float | None],
    *,
    number: int = 0,
    offset: int = 0,
) -> tuple[Classifier, list[CurvePoint]]:
    """Trains for one phase.

    Args:
        model: The student; it is changed in place.
        phase: What to do.
        setting: Where and how.
        validate: Accuracy on the validation images, for the learning curve.
        number: Which phase this is.
        offset: Steps of the phases before.

    Returns:
        The student to go on with (the moving average, where the phase asks for it) and the curve.

    Raises:
        DistbenchError: The loss is no longer finite.
    """
    extra = nn.ModuleDict(dict(phase.modules)).to(setting.device)
    optimiser = torch.optim.SGD(
        _groups(model, extra, phase), lr=phase.lr, momentum=phase.momentum, nesterov=True
    )
    scaler = torch.amp.GradScaler(setting.device.type, enabled=setting.precision == "fp16")
    average = _average(model, phase.steps) if phase.ema else None
    batches = {
        name: _batches(stream, setting, seed_for(setting.seed, number, name))
        for name, stream in phase.streams.items()
    }
    bases = [group["lr"] for group in optimiser.param_groups]
    marks = {round(phase.steps * (i + 1) / _CURVE_POINTS) for i in range(_CURVE_POINTS)}
    curve: list[CurvePoint] = []
    running = torch.zeros((), device=setting.device)
    since = 0
    frozen = [] if phase.train_backbone else [*model.backbone.parameters()]
    for parameter in frozen:
        parameter.requires_grad_(False)
    _train_mode(model, phase)
    extra.train()
    for step in range(1, phase.steps + 1):
        factor = _schedule(step, phase.steps)
        for group, base in zip(optimiser.param_groups, bases, strict=True):
            group["lr"] = base * factor
        with setting.autocast():
            loss = phase.loss(model, {name: next(stream) for name, stream in batches.items()})
        optimiser.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimiser)
        scaler.update()
        if average is not None:
            average.update_parameters(model)
        running += loss.detach()
        since += 1
        if step in marks:
            mean = float(running) / since
            if not math.isfinite(mean):
                raise DistbenchError(
                    f"the loss is no longer finite at step {offset + step}; try a smaller lr"
                )
            judged = average.module if average is not None else model
            curve.append(
                CurvePoint(step=offset + step, loss=mean, validation_accuracy=validate(judged))
            )
            _train_mode(model, phase)
            running.zero_()
            since = 0
    for parameter in frozen:
        parameter.requires_grad_(True)
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    return model, curve


def _train_mode(model: Classifier, phase: Phase) -> None:
    model.train()
    if not phase.train_backbone:
        model.backbone.eval()


def _average(model: nn.Module, steps: int) -> torch.optim.swa_utils.AveragedModel:
    """A moving average whose decay fits the steps: 0.999 over 200 would keep the start."""
    decay = max(min(0.999, 1 - 10 / steps), 0.0)
    blend = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=blend, use_buffers=True)


def _schedule(step: int, steps: int) -> float:
    warm = max(round(_WARM_UP * steps), 1)
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


def _groups(model: Classifier, extra: nn.ModuleDict, phase: Phase) -> list[dict[str, object]]:
    """Parameter groups: own learning rates for classifier and extra modules, decay on matrices."""
    rates = [(model.backbone, phase.lr), (model.head, phase.lr * phase.head_lr)]
    rates += [(module, phase.lr * phase.module_lr.get(name, 1.0)) for name, module in extra.items()]
    groups: list[dict[str, object]] = []
    for module, rate in rates:
        wide = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
        flat = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
        groups += [
            {"params": params, "lr": rate, "weight_decay": decay}
            for params, decay in ((wide, phase.weight_decay), (flat, 0.0))
            if params
        ]
    return groups


def _batches(stream: Stream, setting: Setting, seed: int) -> Iterator[Batch]:
    """An endless stream of batches: every image once before any comes again."""
    generator = torch.Generator().manual_seed(seed)
    # Memory-mapped arrays are indexed as plain ones: every step reads a few rows of each.
    device, pixels = setting.device, np.asarray(setting.pixels(stream.of))
    targets_of = {name: np.asarray(values) for name, values in stream.targets.items()}
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < stream.batch:
            order = torch.randperm(len(stream.positions), generator=generator).numpy()
            waiting = np.concatenate([waiting, stream.positions[order]])
        chosen, waiting = waiting[: stream.batch], waiting[stream.batch :]
        images = to_batch(pixels[chosen], setting.image_size, device)
        known = np.full(len(chosen), UNLABELLED) if stream.labels is None else stream.labels[chosen]
        labels = torch.from_numpy(known).to(device)
        targets: Mapping[str, torch.Tensor] = {
            name: torch.from_numpy(np.asarray(values[chosen], dtype=np.float32)).to(device)
            for name, values in targets_of.items()
        }
        views = {name: VIEWS[name](images, generator) for name in stream.views}
        yield Batch(views, labels, targets, torch.from_numpy(chosen).to(device))


@torch.inference_mode()
def features_of(
    model: Classifier, images: NDArray[np.uint8], setting: Setting, batch: int = 256
) -> NDArray[np.float32]:
    """Pooled features (n, d) of images under a student in evaluation mode."""
    model.eval()
    found = []
    for start in range(0, len(images), batch):
        floats = to_batch(images[start : start + batch], setting.image_size, setting.device)
        with setting.autocast():
            found.append(model.features(floats).float().cpu().numpy())
    return np.concatenate(found)


@torch.inference_mode()
def predict_logits(
    model: nn.Module, images: NDArray[np.uint8], setting: Setting, batch: int = 256
) -> NDArray[np.float32]:
    """Logits (n, c) that a model in evaluation mode gives images."""
    model.eval()
    found = []
    for start in range(0, len(images), batch):
        floats = to_batch(images[start : start + batch], setting.image_size, setting.device)
        with setting.autocast():
            found.append(model(floats).float().cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, 0), dtype=np.float32)


def predict(model: nn.Module, images: NDArray[np.uint8], setting: Setting) -> NDArray[np.int64]:
    """Class numbers that a student in evaluation mode gives images; ties go to the lower number."""
    if not len(images):
        return np.empty(0, dtype=np.int64)
    found: NDArray[np.int64] = predict_logits(model, images, setting).argmax(axis=1)
    return found
