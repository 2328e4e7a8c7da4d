"""Trains one source model, and runs it on images as it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.transforms import Normalize

from distbench import (
    Batch,
    Checkpoint,
    Phase,
    Stream,
    TrainingSetting,
    predict_logits,
    train_phases,
    warm_up_cosine,
)
from distbench_builtin.shared.zoo_building.augment import training_view
from distbench_builtin.shared.zoo_building.images import Images
from distbench_builtin.shared.zoo_building.networks import Network
from distbench_builtin.shared.zoo_building.settings import Settings


def train(
    network: nn.Module,
    spec: Network,
    images: Images,
    settings: Settings,
    *,
    flip: bool,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint,
    progress: Callable[[int, int, torch.Tensor], None],
) -> nn.Module:
    """Trains a network; on a CPU the same numbers come out whether it is interrupted or not.

    Args:
        network: With its initial weights; changed in place.
        spec: What is known of it.
        images: What it learns from.
        settings: The protocol.
        flip: Whether images may be mirrored.
        seed: Of everything that is drawn.
        device: Where it is trained.
        checkpoint: From where it goes on after an interruption.
        progress: As `distbench.train_phases` has it.

    Returns:
        The network, on the CPU, in evaluation mode.

    Raises:
        DistbenchError: The loss is no longer finite.
    """
    count = len(images.labels)
    stream = Stream(
        np.arange(count),
        min(settings.batch, count),
        {"own": training_view(settings, flip)},
        labels=images.labels,
    )

    def loss(model: nn.Module, batch: Mapping[str, Batch]) -> torch.Tensor:
        shown = batch["train"]
        return label_loss(model(shown.views["own"]).float(), shown.labels, settings.smoothing)

    phase = Phase(
        steps=settings.total_steps(count),
        streams={"train": stream},
        loss=loss,
        lr=settings.lr or (0.1 if spec.start == "random" else 0.01),
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        schedule=warm_up_cosine(settings.warmup),
    )
    train_phases(
        _on(device, network, spec),
        [phase],
        _setting(images, settings, device, seed),
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    return network.cpu().eval()


def predict(
    network: nn.Module, spec: Network, images: Images, settings: Settings, device: torch.device
) -> NDArray[np.float32]:
    """Logits (n, c) of images as they are judged: the whole of them, resized."""
    setting = _setting(images, settings, device)
    logits = predict_logits(_on(device, network, spec), images.pixels, setting, settings.batch)
    network.cpu()
    return logits


def label_loss(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross-entropy; binary cross-entropy where an image may show several classes.

    Args:
        logits: (b, c).
        labels: (b,), or (b, c) with 1, 0, and -1 where a class is not to be judged.
        smoothing: Of labels (b,).
    """
    if labels.ndim == 1:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    judged = (labels >= 0).float()  # (b, c)
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0).float(), reduction="none"
    )  # (b, c)
    return (each * judged).sum() / judged.sum().clamp(min=1)


def _on(device: torch.device, network: nn.Module, spec: Network) -> nn.Module:
    """The network from images in 0..1, behind the normalisation of its input."""
    model = nn.Sequential(Normalize(spec.mean, spec.std), network)
    return model.to(device).to(memory_format=torch.channels_last)


def _setting(
    images: Images, settings: Settings, device: torch.device, seed: int = 0
) -> TrainingSetting:
    return TrainingSetting(images.pixels, settings.image_size, device, settings.precision, seed)
