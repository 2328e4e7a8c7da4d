"""What is given to the training loop: phases of steps over named streams of images."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

View = Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]
"""Makes what a loss sees of a batch from its stored images, uint8 (b, s, s, 3) on the device, their
positions, int64 (b,) on the device, and a generator on the CPU for everything that is drawn. Images
and positions are its own: it may write into them."""


@dataclass(frozen=True)
class Stream:
    """An endless stream of images, each epoch in a new random order.

    Attributes:
        positions: Positions in the images, whole numbers (n,); no boolean mask. Copied, int64 and
            read-only.
        batch: Images of one step; an epoch has ``n / batch`` steps.
        views: Names of the views that are made of each: ``plain``, ``weak`` or ``strong``; or
            views of one's own by name.
        labels: int64 (m,), or (m, c) where an image may show several classes; aligned with the
            images (not with `positions`), so that m is how many images there are; None if not
            needed. Soft labels are `targets`.
        targets: Cached arrays by name, aligned with the images too; memory-mapped is fine.
        of: Which images: the task's ``train`` images or those of the ``transfer`` set.
        drop_last: Whether the images that an epoch leaves over, fewer than a batch, are left out
            of it; otherwise a batch takes them together with the first of the next epoch.
        seed: Of order and views; None to derive it from the setting, the phase and the name.

    Raises:
        ValueError: Positions or labels are no whole numbers or of another shape, `batch` is no
            whole number above 0, or with `drop_last` no batch would be left.
    """

    positions: NDArray[np.int64]
    batch: int
    views: tuple[str, ...] | Mapping[str, View] = ("weak",)
    labels: NDArray[np.int64] | None = None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    of: Literal["train", "transfer"] = "train"
    drop_last: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", _positions(self.positions))
        if self.labels is not None:
            object.__setattr__(self, "labels", _labels(self.labels))
        batch = as_int(self.batch)
        if batch is None or batch < 1:
            raise ValueError(f"batch is {self.batch!r}; it is a whole number of images, 1 at least")
        object.__setattr__(self, "batch", batch)
        if self.drop_last and len(self.positions) < self.batch:
            raise ValueError(
                f"{len(self.positions)} images make no batch of {self.batch}, and drop_last leaves "
                "out what is less"
            )


def as_int(number: object) -> int | None:
    """A whole number of any library as Python's own; None for what is none, a bool too."""
    if isinstance(number, Integral) and not isinstance(number, bool):
        return int(number)
    return None


def _positions(given: Any) -> NDArray[np.int64]:
    positions = np.asarray(given)
    if positions.dtype == bool:
        raise ValueError("positions are a boolean mask; give np.flatnonzero(mask)")
    if positions.ndim != 1 or (positions.dtype.kind not in "iu" and positions.size):
        raise ValueError(
            f"positions are {positions.dtype} {positions.shape}; give whole numbers of shape (n,)"
        )
    own = positions.astype(np.int64)
    own.flags.writeable = False
    return own


def _labels(given: Any) -> NDArray[np.int64]:
    labels = np.asarray(given)
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "iub":
        raise ValueError(
            f"labels are {labels.dtype} {labels.shape}; give class numbers of shape (m,) or, where "
            "an image may show several classes, 0 and 1 of shape (m, c). Soft ones are targets"
        )
    return labels.astype(np.int64, copy=False)


@dataclass(frozen=True)
class Batch:
    """One step's images of one stream, on the device.

    Attributes:
        views: View to images, float (b, 3, s, s) in 0..1; to what it returns, for one's own.
        labels: int64 (b,) or (b, c); `UNLABELLED` throughout where the stream has no labels.
        targets: Name to float32 (b, ...).
        positions: int64 (b,), which images they are.
    """

    views: Mapping[str, torch.Tensor]
    labels: torch.Tensor
    targets: Mapping[str, torch.Tensor]
    positions: torch.Tensor


Loss = Callable[[Any, Mapping[str, Batch]], torch.Tensor]
"""From the model that is trained (a `Classifier`, where a method trains) and a batch of each
stream to a scalar."""

OptimiserFactory = Callable[[torch.nn.Module, torch.nn.ModuleDict], torch.optim.Optimizer]
"""Makes the optimiser of the model and of the extra modules, with peak learning rates."""

Schedule = Callable[[int, int], float]
"""Learning rate of a step, counted from 1, of so many, as a share of the peak."""


def warm_up_cosine(warm_up: float = 0.05) -> Schedule:
    """A linear rise to the peak, then half a cosine that would reach 0 one step after the last.

    Args:
        warm_up: Share of the steps until the peak; it is reached after one step at the earliest.
    """

    def share(step: int, steps: int) -> float:
        warm = max(round(warm_up * steps), 1)
        if step <= warm:
            return step / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps + 1 - warm)))

    return share


@dataclass(frozen=True)
class Phase:
    """Some steps of gradient descent with one loss.

    Attributes:
        steps: Optimiser steps; all phases together stay within the protocol's.
        streams: Streams by name; every step gets one batch of each.
        loss: From the model and the batches to a scalar.
        lr: Peak learning rate.
        modules: Extra modules that are trained along, by name; dropped afterwards.
        module_lr: Learning rates of extra modules as multiples of `lr`.
        head_lr: Learning rate of the student's classifier as a multiple of `lr`.
        momentum: Nesterov momentum; 0 for none.
        weight_decay: L2 penalty on matrices and kernels; biases and norms have none.
        ema: Whether the student that is evaluated is the moving average of the weights.
        train_backbone: False to leave the backbone as it is, its statistics too, and train the
            classifier and extra modules on its features.
        name: For the row.
        schedule: How the learning rates go up and down.
        optimiser: Another one than SGD with the rates, momentum and penalty above, which it then
            sets itself. Weights change in its `step()` alone, which is given no closure.
        passes: How many optimiser steps or backward passes there are within one step, whichever are
            more: 2 with SAM, or a loss with a gradient of its own. Each counts as a step of the
            protocol's; more than are declared are refused.
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
    schedule: Schedule = field(default_factory=warm_up_cosine)
    optimiser: OptimiserFactory | None = None
    passes: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "passes"):
            if (whole := as_int(getattr(self, name))) is not None:
                object.__setattr__(self, name, whole)

    def declared(self) -> dict[str, Any]:
        """What a row says of this phase."""
        return {
            "name": self.name,
            "steps": self.steps,
            "lr": float(self.lr),
            "ema": self.ema,
            "images_per_step": {
                name: dict.fromkeys(stream.views, stream.batch)
                for name, stream in self.streams.items()
            },
            **({} if self.passes == 1 else {"passes": self.passes}),
        }
