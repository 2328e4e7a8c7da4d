"""Which pseudo-labels of a batch count, and how much: what the relatives of FixMatch differ in."""

from __future__ import annotations

from collections.abc import Callable

import torch

from distbench_builtin.shared.methods.losses import guesses_of

Selector = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From confidence, guess and position of each image, (b,), to bool (b,)."""


class Choice:
    """Takes the guesses that a selector accepts.

    Args:
        select: Accepts guesses.
    """

    def __init__(self, select: Selector) -> None:
        self._select = select

    def labelled(self, logits: torch.Tensor) -> None:
        """Is told the student's logits (l, C) on the step's labelled images, before it chooses."""

    def __call__(
        self, weak: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pseudo-labels (b,) of logits (b, C) on weak views, and the weight of each (b,)."""
        confidence, guess = guesses_of(weak)
        return guess, self._select(confidence, guess, positions)

    def penalty(self, strong: torch.Tensor, weights: torch.Tensor) -> torch.Tensor | None:
        """What is added to the loss of a batch, of its logits (b, C) on strong views."""
        return None


class Running:
    """A running mean whose memory fits the training.

    Args:
        start: What it is at first.
        steps: Steps of the training: 0.999, as published for a million, would keep the start.
    """

    def __init__(self, start: torch.Tensor, steps: int) -> None:
        self.value = start
        self._kept = max(min(0.999, 1 - 10 / steps), 0.0)

    def update(self, new: torch.Tensor) -> torch.Tensor:
        """Takes in a new value; returns the mean."""
        self.value = self._kept * self.value.to(new.device) + (1 - self._kept) * new
        return self.value
