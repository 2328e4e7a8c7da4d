"""A task, a zoo, a student and odd components, small enough for tests; used with --plugin."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from distbench import (
    Baseline,
    CorruptImageError,
    Declined,
    Metric,
    Part,
    Reporter,
    Source,
    SourceInfo,
    Strategy,
    Student,
    Task,
    TaskIndex,
    Zoo,
    home,
    primary,
)

SIDE = 16


class ToyTask(Task):
    """Squares of three colours in noise."""

    hue: float = 0.0
    train: int = 60
    corrupt: int = -1
    classes: int = 3

    def index(self) -> TaskIndex:
        def part(name: str, count: int) -> Part:
            labels = np.arange(count, dtype=np.int64) % self.classes
            return Part(labels, [f"{name}-{i}" for i in range(count)])

        return TaskIndex(
            classes=tuple("abc"[: self.classes]),
            parts={"train": part("train", self.train), "test": part("test", 30)},
            fingerprint=hashlib.sha256(self.label.encode()).hexdigest(),
            seen_by=("toy-data",) if self.hue else (),
        )

    def read(self, part: str, positions: Sequence[int]) -> list[np.ndarray]:
        return [self._draw(part, p) for p in positions]

    def _draw(self, part: str, position: int) -> np.ndarray:
        if part == "train" and position == self.corrupt:
            raise CorruptImageError(f"train-{position}", "cut short")
        rng = np.random.default_rng([position, part == "test", round(self.hue * 100)])
        image = rng.integers(0, 90, (SIDE, SIDE, 3))
        image[4:12, 4:12, position % self.classes] += 120
        return image.astype(np.uint8)


class ToySource(Source):
    def __init__(self, name: str, number: int, *, broken: bool, seen: bool) -> None:
        self.number, self.broken = number, broken
        self.info = SourceInfo(
            name=name,
            architecture="toy",
            num_classes=4 + number,
            feature_dim=8,
            input_size=SIDE,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            trained_on=("toy-data",) if seen else (),
            fingerprint=f"toy-{number}-{broken}",
            macs=1000,
        )

    def verify(self) -> None:
        pass

    def module(self) -> Any:
        import torch

        generator = torch.Generator().manual_seed(self.number)
        kernel = torch.randn(8, 3, 5, 5, generator=generator)
        weight = torch.randn(self.info.num_classes, 8, generator=generator)

        class Net(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.stem = torch.nn.Conv2d(3, 8, 5, bias=False)
                self.head = torch.nn.Linear(*weight.T.shape, bias=False)

            def features(self, images: torch.Tensor) -> torch.Tensor:
                return torch.relu(self.stem(images)).mean((2, 3))

            def forward(self, images: torch.Tensor) -> torch.Tensor:
                return self.head(self.features(images))

        net = Net().eval()
        net.load_state_dict({"stem.weight": kernel, "head.weight": weight})
        return net

    def open(self, device: Any) -> Any:
        import torch

        net = self.module()

        @torch.no_grad()
        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = net.features(images)
            if self.broken:
                features = features * float("nan")
            return features, net.head(features)

        return forward


class Untrainable(ToySource):
    def open(self, device: Any) -> Any:
        net = super().module()
        return lambda images: (net.features(images).detach(), net(images).detach())

    def module(self) -> None:
        return None


class ToyZoo(Zoo):
    """Three random sources, one of which saw the task of another hue; optionally a broken one."""

    broken: bool = False
    trainable: bool = True

    def sources(self) -> list[ToySource]:
        if not self.trainable:
            return [Untrainable(f"toy-{i}", i, broken=False, seen=i == 2) for i in range(3)]
        found = [ToySource(f"toy-{i}", i, broken=False, seen=i == 2) for i in range(3)]
        if self.broken:
            found.append(ToySource("toy-nan", 9, broken=True, seen=False))
        return found


class ToyStudent(Student):
    """One convolution."""

    def fingerprint(self) -> str:
        return "toy"

    def backbone(self, *, pretrained: bool) -> Any:
        import torch

        class Net(torch.nn.Module):
            num_features = 6

            def __init__(self) -> None:
                super().__init__()
                self.stem = torch.nn.Conv2d(3, 6, 3)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu(self.stem(x)).mean((2, 3))

        return Net()

    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


class ByName(Metric):
    """Scores by the number in the source's name."""

    needs: ClassVar[frozenset[str]] = frozenset({"source_info"})

    def score(self, probe: Any) -> float:
        return float(probe.source.name[-1])


class NeverDefined(Metric):
    """Declines."""

    def score(self, probe: Any) -> float:
        raise Declined("nothing to compare")


class Halves(Strategy):
    """Gives weights that do not sum to 1."""

    def weigh(self, scores: np.ndarray, sources: Any, context: Any = None) -> np.ndarray:
        return scores * 0 + 0.1


def plain_phase(context: Any, steps: int) -> Any:
    """Training on the labelled images."""
    from torch.nn.functional import cross_entropy

    from distbench import Phase, Stream

    return Phase(
        steps=steps,
        streams={"x": Stream(context.labelled, 4, labels=context.labels)},
        lr=0.1,
        loss=lambda s, b: cross_entropy(s(b["x"].views["weak"]), b["x"].labels),
    )


class Misbehaving(Baseline):
    """Raises, exits, sleeps, or asks for too many steps."""

    how: str = primary("raise")

    def phases(self, context: Any) -> list[Any]:
        if self.how == "raise":
            raise RuntimeError("on purpose")
        if self.how == "exit":
            os._exit(7)
        if self.how == "sleep":
            time.sleep(60)
        if self.how == "memory":
            raise MemoryError
        return [plain_phase(context, 10_000)]


class Patient(Baseline):
    """Once some cells are finished, it waits for a file: whoever makes it knows where a run is."""

    cells: int = 5
    file: str = "go"

    def phases(self, context: Any) -> list[Any]:
        finished = len(list((home() / "cells").glob("*/*.json")))
        while finished >= self.cells and not Path(self.file).exists():
            time.sleep(0.02)
        return [plain_phase(context, context.protocol.steps)]


class Peeker(Baseline):
    """Fails if it can see a label that it should not."""

    def phases(self, context: Any) -> list[Any]:
        known = np.flatnonzero(context.labels >= 0)
        allowed = np.concatenate([context.labelled, context.validation])
        if not np.array_equal(known, np.sort(allowed)):
            raise RuntimeError("labels of unlabelled images are visible")
        if np.intersect1d(context.validation, context.unlabelled).size:
            raise RuntimeError("validation images are in the unlabelled pool")
        raise Declined("has seen enough")


class Diary(Reporter):
    """Writes down what it is told."""

    path: str = primary("diary.txt")

    def _note(self, line: str) -> None:
        with open(self.path, "a") as file:  # noqa: PTH123
            file.write(line + "\n")

    def started(self, run: Any) -> None:
        self._note(f"started {run.missing} of {run.cells}")

    def cell_cached(self, row: Any) -> None:
        self._note(f"{row.method.id} cached")

    def cell_started(self, cell: Any) -> None:
        self._note(f"cell {cell.id}")

    def cell_finished(self, row: Any) -> None:
        self._note(f"{row.method.id} {row.status}")

    def cell_failed(self, row: Any) -> None:
        self._note(f"{row.method.id} failed: {row.reason}")

    def finished(self, folder: Any) -> None:
        self._note("finished")

    def stopped(self, reason: str) -> None:
        self._note(f"stopped: {reason}")
