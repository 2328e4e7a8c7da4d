"""Training from a random initialisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from distbench import Role
from distbench_builtin.baselines.finetune import FineTune


class Scratch(FineTune):
    """Trains the student on the labelled images from a random initialisation.

    A control: what the pretrained initialisation alone is worth.
    """

    role: ClassVar[Role] = "control"
    initialisation: ClassVar[Literal["pretrained", "random"]] = "random"

    lr: float = 0.1
