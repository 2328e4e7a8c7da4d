"""What a training really did, counted where it happens: images forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from distbench.interfaces.classifier import Classifier


class Meter:
    """Counts while a step is taken, and not while a model is judged.

    Args:
        model: The model that is trained; of a `Classifier` images are counted at its backbone.
            Copies of it that a loss makes count too.

    Attributes:
        forward: Images that went forward through it.
        backward: Images whose gradients came back through it.
    """

    def __init__(self, model: nn.Module) -> None:
        self.forward = self.backward = 0
        self._counts = False
        watched = model.backbone if isinstance(model, Classifier) else model
        self._hook = watched.register_forward_hook(self._passed)

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        return self  # a copy of the model counts here

    @contextmanager
    def counting(self) -> Iterator[None]:
        """What happens meanwhile counts."""
        self._counts = True
        try:
            yield
        finally:
            self._counts = False

    def stop(self) -> None:
        """Takes the hook off the model."""
        self._hook.remove()

    def _passed(self, _: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not self._counts:
            return
        images = len(inputs[0])
        self.forward += images
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.register_hook(lambda _: self._came_back(images))  # type: ignore[no-untyped-call]

    def _came_back(self, images: int) -> None:
        self.backward += images
