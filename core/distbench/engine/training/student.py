"""A fresh student, ready to be trained."""

from __future__ import annotations

import torch

from distbench.engine.training.memory_format import laid_out
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.student import Student


def build_student(
    student: Student, num_classes: int, *, pretrained: bool, seed: int, device: torch.device
) -> Classifier:
    """A fresh student on a device; what is random in it follows from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = student.backbone(pretrained=pretrained)
        model = Classifier(backbone, num_classes, *student.normalisation())
    return laid_out(model, device)
