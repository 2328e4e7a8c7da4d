"""What a method gives the engine: phases of training over named streams of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.interfaces.classifier import Classifier


@dataclass(frozen=True)
class Stream:
    """An endless stream of images, each epoch in a new random order.

    Attributes:
        positions: Positions in the images, (n,).
        batch: Images of one step.
        views: Names of the views that are made of each: ``plain``, ``weak`` or ``strong``.
        labels: int64, aligned with the images (not with `positions`); None if not needed.
        targets: Cached arrays by name, aligned with the images; memory-mapped is fine.
        of: Which images: the task's ``train`` images or those of the ``transfer`` set.
    """

    positions: NDArray[np.int64]
    batch: int
    views: tuple[str, ...] = ("weak",)
    labels: NDArray[np.int64] | None = None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    of: Literal["train", "transfer"] = "train"


@dataclass(frozen=True)
class Batch:
    """One step's images of one stream, on the device.

    Attributes:
        views: View to images, float (b, 3, s, s) in 0..1.
        labels: int64 (b,); `UNLABELLED` throughout where the stream has no labels.
        targets: Name to float32 (b, ...).
        positions: int64 (b,), which images they are.
    """

    views: Mapping[str, torch.Tensor]
    labels: torch.Tensor
    targets: Mapping[str, torch.Tensor]
    positions: torch.Tensor


Loss = Callable[[Classifier, Mapping[str, Batch]], torch.Tensor]


@dataclass(frozen=True)
class Phase:
    """Some steps of stochastic gradient descent with one loss.

    Attributes:
        steps: Optimiser steps; all phases together stay within the protocol's.
        streams: Streams by name; every step gets one batch of each.
        loss: From the student and the batches to a scalar.
        lr: Peak learning rate (linear warm-up over 5 % of the steps, then cosine to 0).
        modules: Extra modules that are trained along, by name; dropped afterwards.
        module_lr: Learning rates of extra modules as multiples of `lr`.
        head_lr: Learning rate of the student's classifier as a multiple of `lr`.
        momentum: Nesterov momentum.
        weight_decay: L2 penalty on matrices and kernels; biases and norms have none.
        ema: Whether the student that is evaluated is the moving average of the weights.
        train_backbone: False to leave the backbone as it is, its statistics too, and train the
            classifier and extra modules on its features.
        name: For the row.
    """

    steps: int
    streams: Mapping[str, Stream]
    loss: Loss
    lr: float
    modules: Mapping[str, torch.nn.Module] = field(default_factory=dict)
    module_lr: Mapping[str, float] = field(default_factory=dict)
    head_lr: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    ema: bool = False
    train_backbone: bool = True
    name: str = "train"

    def declared(self) -> dict[str, Any]:
        """What a row says of this phase."""
        return {
            "name": self.name,
            "steps": self.steps,
            "lr": self.lr,
            "ema": self.ema,
            "images_per_step": {
                name: dict.fromkeys(stream.views, stream.batch)
                for name, stream in self.streams.items()
            },
        }
