"""What a unit is doing, told while it goes on by whoever computes it to whoever waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from distbench.interfaces.execution.unit import News

if TYPE_CHECKING:
    import torch
    from torch import nn

EVERY = 3.0
"""Seconds between two pieces of news of a unit."""

_listener: ContextVar[Callable[[News], None] | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Callable[[News], None] | None) -> Iterator[None]:
    """Within it, what is computed in this thread tells how far it is."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class TrainingNews:
    """Tells of a training: step, loss and the last validation accuracy; nothing if nobody listens.

    Args:
        validate: Gives the validation accuracy of a model; None where there is none.
        before: What is trained, where it is no student but comes before one.
    """

    def __init__(
        self,
        validate: Callable[[nn.Module], float | None] = lambda model: None,
        *,
        before: str = "",
    ) -> None:
        self._validate, self._listener, self._before = validate, _listener.get(), before
        self._accuracy: float | None = None
        self._told = time.monotonic()

    def validate(self, model: nn.Module) -> float | None:
        """As of `validate`, which is remembered."""
        self._accuracy = self._validate(model)
        return self._accuracy

    def step(self, step: int, steps: int, loss: torch.Tensor) -> None:
        """One step has been taken; the loss is read from its device now and then alone."""
        if self._listener is None or time.monotonic() - self._told < EVERY:
            return
        self._told = time.monotonic()
        judged = "" if self._accuracy is None else f", validation {100 * self._accuracy:.1f} %"
        text = f"step {step:,} of {steps:,}, loss {float(loss):.3g}{judged}"
        before = f"{self._before}: " if self._before else ""
        self._listener(News(before + text, 0.0 if self._before else step / steps))
