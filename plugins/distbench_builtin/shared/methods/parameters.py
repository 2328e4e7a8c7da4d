"""Parameters that many methods have, tuned within the same ranges."""

from __future__ import annotations

from typing import Any

from distbench import searched


def head_rate(
    default: float = 1.0, description: str = "learning rate of the classifier, times lr"
) -> Any:
    """The field of a learning rate that is a multiple of another."""
    return searched(default, low=0.5, high=50, log=True, gt=0, description=description)


def weight_penalty() -> Any:
    """The field ``weight_decay``."""
    return searched(5e-4, low=1e-5, high=0.05, log=True, ge=0, description="L2 penalty")
