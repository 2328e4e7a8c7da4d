"""A task, a zoo and a student small enough that a whole run takes a second; a plugin file.

The checks run on them. So can anybody: ``distbench run --plugin FILE --suite TOML`` with this
file and the ``miniature.toml`` beside it. None of the numbers means anything.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from distbench.errors import Declined
from distbench.interfaces.context import MethodContext
from distbench.interfaces.method import Baseline
from distbench.interfaces.parameters import primary
from distbench.interfaces.student import Student
from distbench.interfaces.task import Part, Task, TaskIndex
from distbench.interfaces.zoo import Source, SourceInfo, TextHead, Zoo

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.training.phase import Phase
    from distbench.interfaces.zoo import Forward

SIDE = 16
"""Side of the miniature task's images, pixels."""
_HALF = (0.5, 0.5, 0.5)


class MiniatureTask(Task):
    """Bright squares of three colours in noise; ours, drawn when they are read."""

    train: int = Field(72, ge=9, description="train images")
    test: int = Field(30, ge=3, description="test images")
    several: bool = Field(False, description="whether a square may be of several colours")

    def index(self) -> TaskIndex:
        """Three classes in turn; of several, every mixture in turn."""

        def part(name: str, count: int) -> Part:
            ids = [f"{name}/{i}" for i in range(count)]
            colours = np.asarray([self._colours(i) for i in range(count)], dtype=np.int64)
            return Part(colours if self.several else colours.argmax(axis=1), ids)

        return TaskIndex(
            classes=("red", "green", "blue"),
            parts={"train": part("train", self.train), "test": part("test", self.test)},
            fingerprint=hashlib.sha256(f"miniature {self.label}".encode()).hexdigest(),
        )

    def read(self, part: str, positions: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Images (16, 16, 3)."""
        return [self._draw(part, int(position)) for position in positions]

    def _colours(self, position: int) -> list[int]:
        """Which of the three an image shows, 1 or 0."""
        if self.several:
            return [(position % 7 + 1) >> bit & 1 for bit in range(3)]
        return [int(position % 3 == colour) for colour in range(3)]

    def _draw(self, part: str, position: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([position, part == "test"])
        image = rng.integers(0, 90, (SIDE, SIDE, 3))
        image[4:12, 4:12] += 120 * np.asarray(self._colours(position))
        return image.astype(np.uint8)


def _net(width: int, seed: int) -> torch.nn.Sequential:
    """One convolution, ``stem``, pooled; its weights follow from the seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            OrderedDict(
                stem=torch.nn.Conv2d(3, width, 5, stride=2),
                relu=torch.nn.ReLU(),
                pool=torch.nn.AdaptiveAvgPool2d(1),
                flat=torch.nn.Flatten(),
            )
        )


class MiniatureSource(Source):
    """One random convolution under a random linear classifier."""

    def __init__(self, name: str, number: int) -> None:
        self._number = number
        self.info = SourceInfo(
            name=name,
            architecture="one convolution",
            num_classes=4 + number,
            feature_dim=8,
            input_size=SIDE,
            mean=_HALF,
            std=_HALF,
            domain="none",
            licence="Apache-2.0",
            fingerprint=f"miniature-{number}",
            parameters=8 * 76 + 9 * (4 + number),
            macs=8 * 75 * 36 + 8 * (4 + number),
            depth=2,
            role="generalist" if name == "general" else "source",
            reads_text=True,
        )

    def verify(self) -> None:
        """The weights are drawn: there is nothing that could be missing."""

    def open(self, device: torch.device) -> Forward:
        """The network in evaluation mode."""
        net = self.module().to(device).eval()

        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = net[:-1](images)
            return features, net[-1](features)

        return forward

    def text_head(self, texts: Sequence[str]) -> TextHead:
        """A direction for each sentence, drawn by its letters."""
        drawn = [np.random.default_rng([self._number, *text.encode()]).random(8) for text in texts]
        rows = np.asarray(drawn, np.float32)
        return TextHead(rows / np.linalg.norm(rows, axis=1, keepdims=True), scale=10.0)

    def module(self) -> torch.nn.Sequential:
        """Images to logits."""
        import torch

        net = _net(8, self._number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(100 + self._number)
            head = torch.nn.Linear(8, self.info.num_classes)
        net.add_module("head", head)
        return net


class MiniatureZoo(Zoo):
    """Three sources and a generalist of random weights."""

    def sources(self) -> list[MiniatureSource]:
        """They differ in seed and number of classes."""
        names = ("first", "second", "third", "general")
        return [MiniatureSource(name, number) for number, name in enumerate(names)]


class MiniatureStudent(Student):
    """One convolution of six channels, ``stem``, from random weights."""

    def fingerprint(self) -> str:
        """There are no weights to identify."""
        return "random"

    def backbone(self, *, pretrained: bool) -> torch.nn.Module:
        """(b, 3, s, s) to (b, 6)."""
        import torch

        net = torch.nn.Sequential(
            OrderedDict(
                stem=torch.nn.Conv2d(3, 6, 3, stride=2),
                norm=torch.nn.BatchNorm2d(6),
                relu=torch.nn.ReLU(),
                pool=torch.nn.AdaptiveAvgPool2d(1),
                flat=torch.nn.Flatten(),
            )
        )
        setattr(net, "num_features", 6)  # noqa: B010 - typed as tensor or module
        return net

    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Of images in 0..1."""
        return _HALF, _HALF


class MiniatureTrouble(Baseline):
    """Fails or declines on purpose, for checks of what is told of that."""

    how: str = primary("fail", description="fail or decline")

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """Raises.

        Raises:
            Declined: With ``how=decline``.
            RuntimeError: Otherwise.
        """
        if self.how == "decline":
            raise Declined("declines on purpose")
        raise RuntimeError("fails on purpose")


def facts(**changes: Any) -> SourceInfo:
    """What is known of a made-up source, for probes."""
    known: dict[str, Any] = {
        "name": "source-0",
        "architecture": "made up",
        "num_classes": 7,
        "feature_dim": 12,
        "input_size": SIDE,
        "mean": _HALF,
        "std": _HALF,
        "domain": "none",
        "licence": "Apache-2.0",
        "fingerprint": "0",
        "parameters": 1_000_000,
        "macs": 10_000_000,
        "depth": 12,
    }
    return SourceInfo(**known | changes)
