"""Training from a random initialisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from distbench import Role, searched
from distbench_builtin.baselines.finetune import FineTune


class Scratch(FineTune):
    """Trains the student on the labelled images from a random initialisation.

    A control: what the pretrained initialisation alone is worth.
    """

    role: ClassVar[Role] = "control"
    initialisation: ClassVar[Literal["pretrained", "random"]] = "random"

    lr: float = searched(0.1, low=5e-3, high=1.0, log=True, gt=0, description="peak learning rate")
    head_lr: float = searched(
        1.0,
        low=0.1,
        high=10,
        log=True,
        gt=0,
        description="learning rate of the classifier, times lr",
    )
