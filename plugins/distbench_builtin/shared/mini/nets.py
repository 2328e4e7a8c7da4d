"""Small convolutional networks for 32x32 images: the sources and the student of suite `mini`.

The module needs torch and nothing else, so a trained student can be loaded with a copy of it.
Import it inside functions: planning loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """3x3 convolution, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class SeparableBlock(nn.Sequential):
    """Depthwise 3x3 and pointwise convolution, each normalised (MobileNet, arXiv:1704.04861)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around an identity shortcut (ResNet, arXiv:1512.03385)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvBlock(width, width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (b, width, h, w) to the same shape."""
        y: Tensor = self.norm(self.second(self.first(x)))
        return torch.relu_(y.add_(x))


class Net(nn.Module):
    """Convolutional layers, global average pooling and a linear classifier.

    Args:
        layers: Maps images (b, 3, s, s) to maps (b, `num_features`, h, w).
        num_features: Channels of these maps.
        num_classes: Outputs of the classifier; 0 for a network that ends at its features.
    """

    def __init__(self, layers: nn.Module, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.layers = layers
        self.num_features = num_features
        self.num_classes = num_classes
        self.classifier: nn.Module = (
            nn.Linear(num_features, num_classes) if num_classes else nn.Identity()
        )

    def features(self, images: Tensor) -> Tensor:
        """Pooled features (b, `num_features`) of images (b, 3, s, s)."""
        maps: Tensor = self.layers(images.contiguous(memory_format=torch.channels_last))
        return maps.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (b, `num_classes`) of images (b, 3, s, s); features where there are no classes."""
        logits: Tensor = self.classifier(self.features(images))
        return logits


def _fast() -> tuple[nn.Module, int]:
    return nn.Sequential(
        ConvBlock(3, 32, 2), ConvBlock(32, 48, 2), ConvBlock(48, 96, 2), ConvBlock(96, 96)
    ), 96


def _dw() -> tuple[nn.Module, int]:
    return nn.Sequential(
        ConvBlock(3, 24, 2),
        SeparableBlock(24, 48),
        SeparableBlock(48, 96, 2),
        SeparableBlock(96, 96),
        SeparableBlock(96, 128, 2),
    ), 128


def _plain() -> tuple[nn.Module, int]:
    return nn.Sequential(
        ConvBlock(3, 16), ConvBlock(16, 32, 2), ConvBlock(32, 64, 2), ConvBlock(64, 96, 2)
    ), 96


def _res() -> tuple[nn.Module, int]:
    return nn.Sequential(
        ConvBlock(3, 16),
        ConvBlock(16, 32, 2),
        ResidualBlock(32),
        ConvBlock(32, 64, 2),
        ResidualBlock(64),
        ConvBlock(64, 96, 2),
    ), 96


def _stu() -> tuple[nn.Module, int]:
    return nn.Sequential(ConvBlock(3, 24, 2), ConvBlock(24, 48, 2), ConvBlock(48, 96, 2)), 96


ARCHITECTURES: Mapping[str, Callable[[], tuple[nn.Module, int]]] = {
    "fast": _fast,
    "dw": _dw,
    "plain": _plain,
    "res": _res,
    "stu": _stu,
}
"""Layers and their number of channels, by name."""


def build(architecture: str, num_classes: int) -> Net:
    """A network with random weights, drawn from torch's global generator.

    Args:
        architecture: A key of `ARCHITECTURES`.
        num_classes: Outputs of the classifier; 0 for a network that ends at its features.

    Raises:
        ValueError: There is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"unknown architecture {architecture!r}; there are {', '.join(ARCHITECTURES)}"
        )
    layers, width = ARCHITECTURES[architecture]()
    return Net(layers, width, num_classes)
