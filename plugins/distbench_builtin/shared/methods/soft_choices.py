"""Choices of pseudo-labels that keep account of the student's confidence."""

from __future__ import annotations

import torch

from distbench_builtin.shared.methods.losses import guesses_of
from distbench_builtin.shared.methods.pseudo_label_choice import Choice, Running


class SoftChoice(Choice):
    """SoftMatch's weights: a truncated Gaussian of uniformly aligned confidences.

    Args:
        classes: How many there are, C.
        steps: Of the training.
        sigmas: Deviations below the mean that still count.
    """

    def __init__(self, classes: int, steps: int, sigmas: float) -> None:
        self._sigmas, self._classes = sigmas, classes
        self._mean = Running(torch.tensor(1 / classes), steps)
        self._variance = Running(torch.tensor(1.0), steps)
        self._probabilities = Running(torch.full((classes,), 1 / classes), steps)

    def __call__(
        self, weak: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pseudo-labels (b,) and their weights in 0..1, (b,)."""
        _, guess = guesses_of(weak)
        p = weak.detach().float().softmax(1)  # (b, C)
        aligned = p / (self._classes * self._probabilities.update(p.mean(0)))
        confidence = (aligned / aligned.sum(1, keepdim=True)).amax(1)  # (b,)
        mean = self._mean.update(confidence.mean())
        variance = self._variance.update(confidence.var())
        behind = (confidence - mean).clamp(max=0)  # (b,)
        return guess, torch.exp(-(behind**2) / (2 * variance / self._sigmas**2))


class FreeChoice(Choice):
    """FreeMatch's thresholds and fairness.

    Args:
        classes: How many there are, C.
        steps: Of the training.
        fairness: Weight of the fairness term.
    """

    def __init__(self, classes: int, steps: int, fairness: float) -> None:
        self._classes, self._fairness = classes, fairness
        even = torch.full((classes,), 1 / classes)
        self._confidence = Running(torch.tensor(1 / classes), steps)
        self._probabilities, self._guesses = Running(even, steps), Running(even, steps)

    def __call__(
        self, weak: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pseudo-labels (b,), and whether each is accepted, bool (b,)."""
        confidence, guess = guesses_of(weak)
        mean = self._confidence.update(confidence.mean())
        p = self._probabilities.update(weak.detach().float().softmax(1).mean(0))  # (C,)
        self._guesses.update(self._histogram(guess))
        return guess, confidence >= (mean * p / p.max())[guess]

    def penalty(self, strong: torch.Tensor, weights: torch.Tensor) -> torch.Tensor | None:
        """Cross-entropy, less than 0, of the classes' shares before and now; None of no image."""
        if not self._fairness or not weights.any():
            return None
        p = strong[weights].float().softmax(1)  # (accepted, C)
        now = _fair(p.mean(0), self._histogram(p.argmax(1)))
        before = _fair(self._probabilities.value, self._guesses.value)
        return self._fairness * (before * (now + 1e-12).log()).sum()

    def _histogram(self, guess: torch.Tensor) -> torch.Tensor:
        """Share of each class among guesses (b,), (C,)."""
        return torch.bincount(guess, minlength=self._classes).float() / len(guess)


def _fair(p: torch.Tensor, histogram: torch.Tensor) -> torch.Tensor:
    """Normalised p / histogram (C,); 0 for a class that was not guessed."""
    ratio = torch.where(histogram > 0, p / histogram.clamp_min(1e-12), 0.0)
    return ratio / ratio.sum()
