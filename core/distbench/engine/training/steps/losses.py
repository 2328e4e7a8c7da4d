"""What a loss gives: one finite number, with its gradient."""

from __future__ import annotations

import torch

from distbench.errors import DistbenchError


def scalar_of(loss: object, phase: str) -> torch.Tensor:
    """A loss as it is.

    Raises:
        DistbenchError: It is no tensor of one number.
    """
    if isinstance(loss, torch.Tensor) and loss.numel() == 1:
        return loss.reshape(()) if loss.ndim else loss
    shown = f"a tensor {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else repr(loss)
    raise DistbenchError(
        f"the loss of phase {phase!r} gives {shown[:80]}; it gives a tensor of one number, with "
        "its gradient"
    )


def not_finite(phase: str, step: int) -> DistbenchError:
    """The error for a loss that is not finite from some step of its phase on, the first being 1."""
    if step == 1:
        return DistbenchError(
            f"the loss of phase {phase!r} is not finite in its first step, before anything was "
            "learnt; look for a logarithm or a quotient of 0, and for targets that are not finite"
        )
    return DistbenchError(
        f"the loss of phase {phase!r} is no longer finite at step {step:,}; try a smaller "
        "learning rate"
    )
