"""A choice of pseudo-labels that is measured by what the student says of labelled images."""

from __future__ import annotations

import torch

from distbench_builtin.shared.methods.pseudo_label_choice import Choice, Running

_LITTLE = 1e-6
"""Added to both distributions, as in USB, so that a class that is never said divides nothing."""


class AlignedChoice(Choice):
    """AdaMatch's distribution alignment and relative confidence threshold.

    Args:
        steps: Of the training.
        threshold: Share of the mean confidence on labelled images that a guess needs.
    """

    def __init__(self, steps: int, threshold: float) -> None:
        self._steps, self._threshold = steps, threshold
        self._known: torch.Tensor | None = None
        self._target: Running | None = None
        self._model: Running | None = None

    def labelled(self, logits: torch.Tensor) -> None:
        """Keeps the probabilities of the step's labelled images, logits (l, C)."""
        self._known = logits.detach().float().softmax(1)

    def __call__(
        self, weak: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pseudo-labels (b,) of aligned probabilities, and whether each is accepted, bool (b,)."""
        if self._known is None:
            raise RuntimeError("labelled() comes first: it is what guesses are measured by")
        p = weak.detach().float().softmax(1)  # (b, C)
        target = self._mean("_target", self._known)
        model = self._mean("_model", p)
        p = p * (target + _LITTLE) / (model + _LITTLE)
        confidence, guess = (p / p.sum(1, keepdim=True)).max(1)  # (b,), (b,)
        return guess, confidence >= self._threshold * self._known.amax(1).mean()

    def _mean(self, name: str, p: torch.Tensor) -> torch.Tensor:
        """The running mean (C,) of probabilities (b, C); at first that of the first batch."""
        now, running = p.mean(0), getattr(self, name)
        if running is None:
            setattr(self, name, Running(now, self._steps))
            return now
        mean: torch.Tensor = running.update(now)
        return mean
