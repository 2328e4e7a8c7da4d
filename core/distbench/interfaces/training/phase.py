"""What is given to the training loop: phases of steps over named streams of images."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from distbench.interfaces.training.optimiser import Optimiser, OptimiserFactory
from distbench.interfaces.training.stream import Batches, Stream, as_int

if TYPE_CHECKING:
    import torch

Loss = Callable[[Any, Batches], "torch.Tensor"]
"""From the model that is trained (a `Classifier`, where a method trains) and a batch of each
stream to a scalar."""

AfterStep = Callable[[Any, int], None]
"""Called with the model and the number of the step that was taken, from 1."""

Schedule = Callable[[int, int], float]
"""Learning rate of a step, counted from 1, of so many, as a share of the peak."""


_EMA = (False, True, "teacher")
_PRECISIONS = (None, "fp32", "bf16", "fp16")


def warm_up_cosine(warm_up: float = 0.05) -> Schedule:
    """A linear rise to the peak, then half a cosine that would reach 0 one step after the last.

    Args:
        warm_up: Share of the steps until the peak; it is reached after one step at the earliest.

    Example::

        >>> rate = warm_up_cosine(0.1)
        >>> [round(rate(step, 100), 2) for step in (1, 10, 55, 100)]
        [0.1, 1.0, 0.51, 0.0]
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
        momentum: Nesterov momentum of the default optimiser; 0 for none.
        weight_decay: L2 penalty on matrices and kernels; biases and norms have none.
        ema: Whether the student that is evaluated is the moving average of the weights. With
            ``"teacher"`` the loss has that average too, as `Batches.average` (Tarvainen and
            Valpola, "Mean teachers are better role models", NeurIPS 2017).
        ema_decay: How much of the average each step keeps; None for what fits the steps.
        train_backbone: False to leave the backbone as it is, its statistics too, and train the
            classifier and extra modules on its features.
        name: For the row.
        schedule: How the learning rates go up and down.
        optimiser: Another one than the default: `sgd`, `adamw` or `Optimiser` of any class, with
            the rates and the penalty above; or a function that makes one and sets them itself.
            Weights change in its `step()` alone, which is given no closure.
        clip: Largest norm of the whole gradient; a larger one is shrunk to it. None for any.
        precision: Instead of the protocol's, for a loss that needs ``fp32``.
        after_step: Called after every step of the optimiser, e.g. to norm weights: here, and
            nowhere else but in the optimiser's step, they may be changed.
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
    ema: bool | Literal["teacher"] = False
    ema_decay: float | None = None
    train_backbone: bool = True
    name: str = "train"
    schedule: Schedule = field(default_factory=warm_up_cosine)
    optimiser: Optimiser | OptimiserFactory | None = None
    clip: float | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    after_step: AfterStep | None = None
    passes: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "passes"):
            if (whole := as_int(getattr(self, name))) is not None:
                object.__setattr__(self, name, whole)
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; the largest norm of a gradient is above 0")
        if self.ema_decay is not None and not (self.ema and 0 <= self.ema_decay < 1):
            raise ValueError(
                f"ema_decay is {self.ema_decay}; it is at least 0 and below 1, and needs ema"
            )
        for name, choices in (("ema", _EMA), ("precision", _PRECISIONS)):
            if (value := getattr(self, name)) not in choices:
                *others, last = map(repr, choices)
                raise ValueError(f"{name} is {value!r}; it is {', '.join(others)} or {last}")
        for name in self.module_lr:
            if name not in self.modules:
                there = ", ".join(map(repr, self.modules)) or "none"
                raise ValueError(f"module_lr names {name!r}; of modules there is {there}")
        own = self.optimiser
        known = own is None or isinstance(own, Optimiser)
        if not known and (isinstance(own, type) or not callable(own)):
            raise ValueError(
                f"optimiser is {own!r}; it is sgd(), adamw(), Optimiser(torch.optim.RMSprop) or a "
                "function that makes one"
            )

    def declared(self) -> dict[str, Any]:
        """What a row says of this phase; what is as usual goes without saying."""
        usual = {"clip": None, "precision": None, "ema_decay": None, "passes": 1}
        unusual = {k: v for k, default in usual.items() if (v := getattr(self, k)) != default}
        if isinstance(self.optimiser, Optimiser):
            unusual["optimiser"] = self.optimiser.name
        elif self.optimiser is not None:
            unusual["optimiser"] = "own"
        return {
            "name": self.name,
            "steps": self.steps,
            "lr": float(self.lr),
            "ema": self.ema,
            "images_per_step": {
                name: dict.fromkeys(stream.views, stream.batch)
                for name, stream in self.streams.items()
            },
            **unusual,
        }
