"""The optimiser of a phase under way: rates by the schedule, gradients scaled, clipped, applied."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from distbench.engine.training.precision import gradient_scaler, mixed_precision
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.steps.optimisers import optimiser_of
from distbench.interfaces.training.phase import Phase

Blame = Callable[[str], AbstractContextManager[None]]
"""From what somebody's function is asked to do, e.g. ``"loss"``, to a context that names whose it
is in whatever it raises."""


def nobody(doing: str) -> AbstractContextManager[None]:
    """The `Blame` of distbench's own phases."""
    return nullcontext()


class Descent:
    """Steps down the loss of one phase.

    Args:
        model: The model.
        modules: Extra modules that are trained along.
        phase: What to do.
        setting: Where and how precisely.
        blame: Whose optimiser and schedule these are.
    """

    def __init__(
        self,
        model: nn.Module,
        modules: nn.ModuleDict,
        phase: Phase,
        setting: TrainingSetting,
        blame: Blame,
    ) -> None:
        self._phase, self._device, self._blame = phase, setting.device, blame
        with blame("optimiser"):
            self._optimiser = optimiser_of(model, modules, phase)
        self._peaks = [group["lr"] for group in self._optimiser.param_groups]
        self._precision = phase.precision or setting.precision
        self._scaler = gradient_scaler(setting.device, self._precision)

    def begin(self, step: int) -> None:
        """Sets the rates of a step, counted from 1."""
        with self._blame("schedule"):
            share = self._phase.schedule(step, self._phase.steps)
            rates = [peak * share for peak in self._peaks]
        for group, rate in zip(self._optimiser.param_groups, rates, strict=True):
            group["lr"] = rate

    def precision(self) -> AbstractContextManager[object]:
        """The phase's precision, for what is computed up to the loss."""
        return mixed_precision(self._device, self._precision)

    def backward(self, loss: torch.Tensor) -> None:
        """The gradients of a loss."""
        self._optimiser.zero_grad(set_to_none=True)
        with self._blame("gradient of the loss"):
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Moves the weights."""
        if self._phase.clip is not None:
            self._scaler.unscale_(self._optimiser)
            weights = [w for group in self._optimiser.param_groups for w in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, self._phase.clip)
        with self._blame("step of the optimiser"):
            self._scaler.step(self._optimiser)
        self._scaler.update()

    def parts(self) -> dict[str, Any]:
        """What has a state of its own."""
        return {"optimiser": self._optimiser, "scaler": self._scaler}
