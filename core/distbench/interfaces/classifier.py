"""What the engine trains, student or teacher: a backbone, its normalisation, a head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from distbench.errors import ArgumentError
from distbench.interfaces.layers import NetworkOutputs, tapped


class Classifier(nn.Module):
    """Images in 0..1 to logits over the target classes.

    Attributes:
        backbone: From images to pooled features.
        head: From features to logits: a linear layer, unless the method builds another one.
        num_features: Width of the features.

    Raises:
        ArgumentError: The backbone does not say its width, or mean and std are not those of
            pixels in 0..1.
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
        if not isinstance(width, int) or width < 1:
            raise ArgumentError("its backbone has no integer attribute num_features, 1 or more")
        if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):
            raise ArgumentError(
                f"its images are normalised by mean {tuple(mean)} and std {tuple(std)}; both are "
                "of pixels in 0..1, so divide by 255",
            )
        self.num_features: int = width
        self.backbone = backbone
        self.head: nn.Module = nn.Linear(width, num_classes)
        self._folded = [
            module
            for module in backbone.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and _is_folded(module)
        ]
        self.register_buffer("_mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> Classifier:
        """As of any module, but normalisation that was folded into the kernels stays as it is."""
        super().train(mode)
        for module in self._folded:
            module.eval()
        return self

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Pooled features (b, d) of images (b, 3, s, s) in 0..1."""
        normalised = (images - self._mean) / self._std  # type: ignore[operator]
        pooled: torch.Tensor = self.backbone(normalised)
        return pooled

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of pooled features."""
        logits: torch.Tensor = self.head(features)
        return logits

    def outputs(self, images: torch.Tensor, layers: Sequence[str] = ()) -> NetworkOutputs:
        """Features, logits and layers of one pass, with their gradients.

        Args:
            images: (b, 3, s, s) in 0..1.
            layers: Paths of modules of the backbone, as `distbench info student --layers` lists
                them.

        Raises:
            ArgumentError: There is no such layer.
        """
        with tapped(self.backbone, layers, "the student") as collected:
            features = self.features(images)
        return NetworkOutputs(features, self.classify(features), collected)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of images in 0..1."""
        return self.classify(self.features(images))


def _is_folded(module: nn.modules.batchnorm._BatchNorm) -> bool:
    """Whether its statistics went into the kernel before it, as converted weights have it.

    What is left is a bias, with a scale of 1, a mean of 0 and one variance for all. Normalising
    such activations by their batch would make another network of it.
    """
    mean, variance = module.running_mean, module.running_var
    scale, bias = module.weight, module.bias
    if mean is None or variance is None or scale is None or bias is None:
        return False
    plain = not mean.any() and bool((variance == variance[0]).all()) and bool((scale == 1).all())
    return plain and bool(bias.any())
