"""What the losses of methods are computed on by hand: a context, a student, batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from distbench import Batch, MethodContext
from distbench.interfaces.suite import Protocol


class Transparent(torch.nn.Module):
    """A student whose features and logits are the first values of the image."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.width = width

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, : self.width]

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(images))


@pytest.fixture
def transparent() -> Transparent:
    return Transparent()


@pytest.fixture
def method_context() -> MethodContext:
    """Two classes, one label of each, four unlabelled images, five steps of two images."""

    def no_source(*given: Any) -> Any:
        raise AssertionError("a baseline asks for no source")

    return MethodContext(
        suite="s",
        task="t",
        seed=0,
        classes=("a", "b"),
        labels=np.array([0, 1, -1, -1, 1]),
        labelled=np.array([0, 1]),
        unlabelled=np.arange(4),
        validation=np.array([4]),
        protocol=Protocol(steps=5, batch=2),
        embedding=no_source,
        num_features=2,
        train_teacher=no_source,
        run=no_source,
    )


@pytest.fixture
def batch_of() -> Callable[..., Batch]:
    """Batches whose images hold the given values; a strong view has its own or them reversed."""

    def make(
        weak: list[list[float]],
        labels: list[int] | None = None,
        *,
        strong: list[list[float]] | None = None,
        positions: list[int] | None = None,
    ) -> Batch:
        images = torch.tensor(weak).view(len(weak), 1, 1, -1)
        other = images.flip(3) if strong is None else torch.tensor(strong).view_as(images)
        return Batch(
            {"weak": images, "strong": other},
            torch.tensor(labels if labels is not None else [-1] * len(weak)),
            {},
            torch.tensor(positions if positions is not None else range(len(weak))),
        )

    return make


@pytest.fixture
def entropy() -> Callable[[int, Sequence[float]], float]:
    """Cross-entropy of the softmax of logits under a class, by hand."""

    def of(label: int, logits: Sequence[float]) -> float:
        return math.log(sum(math.exp(v) for v in logits)) - logits[label]

    return of


@pytest.fixture(scope="session")
def teachers() -> ModuleType:
    """The module `teachers.py` beside this file: what the tests of distillers share."""
    spec = spec_from_file_location("teachers", Path(__file__).with_name("teachers.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
