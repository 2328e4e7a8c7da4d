"""The student as the engine trains it: a backbone, its normalisation and a classifier."""

from __future__ import annotations

import torch
from torch import nn

from distbench.components import Student
from distbench.errors import PluginError


class StudentModel(nn.Module):
    """Images in 0..1 to logits over the target classes.

    Attributes:
        backbone: From images to pooled features.
        head: Linear classifier over the target classes.
        num_features: Width of the features.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        width = getattr(backbone, "num_features", None)
        if not isinstance(width, int):
            raise PluginError("student", "its backbone has no integer attribute num_features")
        self.num_features: int = width
        self.backbone = backbone
        self.head = nn.Linear(width, num_classes)
        self.register_buffer("_mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Pooled features (b, d) of images (b, 3, s, s) in 0..1."""
        normalised = (images - self._mean) / self._std  # type: ignore[operator]
        pooled: torch.Tensor = self.backbone(normalised)
        return pooled

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of pooled features."""
        logits: torch.Tensor = self.head(features)
        return logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of images in 0..1."""
        return self.classify(self.features(images))


def build_student(
    student: Student, num_classes: int, *, pretrained: bool, seed: int
) -> StudentModel:
    """A fresh student; what is random in it follows from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = student.backbone(pretrained=pretrained)
        model = StudentModel(backbone, num_classes, *student.normalisation())
    return model.to(memory_format=torch.channels_last)
