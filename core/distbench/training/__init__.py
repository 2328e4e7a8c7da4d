"""The training loop that the engine owns, and what a method gives it: phases."""

from __future__ import annotations

from distbench.training.model import StudentModel
from distbench.training.phase import Batch, Phase, Stream

__all__ = ["Batch", "Phase", "Stream", "StudentModel"]
