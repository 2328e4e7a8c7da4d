"""Parameters that many methods have, tuned within the same ranges."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from distbench import searched


def head_rate(
    default: float = 1.0, description: str = "learning rate of the classifier, times lr"
) -> Any:
    """The field of a learning rate that is a multiple of another."""
    return searched(default, low=0.5, high=50, log=True, gt=0, description=description)


def weight_penalty() -> Any:
    """The field ``weight_decay``."""
    return searched(5e-4, low=1e-5, high=0.05, log=True, ge=0, description="L2 penalty")


def label_share() -> Any:
    """Share of the loss on labels, where unlabelled images are learnt along with them."""
    return searched(0.25, low=0.02, high=0.9, ge=0, le=1, description="share of the loss on labels")


def unlabelled_view() -> Any:
    """How unlabelled images are shown."""
    return searched("weak", among=("weak", "strong"), description="how unlabelled images are shown")


def joint_rate() -> Any:
    """Peak rate of learning labels and a teacher's answers in one phase."""
    return searched(0.05, low=1e-3, high=0.3, log=True, gt=0, description="peak learning rate")


def unlabelled_ratio() -> Any:
    """How many unlabelled images a step has."""
    return Field(2, ge=1, description="unlabelled images for each labelled one")
