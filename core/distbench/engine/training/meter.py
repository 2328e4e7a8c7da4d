"""What a training really did, counted where it happens: images forward and backward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, SupportsIndex

import torch
from torch import nn

from distbench.engine.training.macs import run_once
from distbench.errors import DistbenchError
from distbench.interfaces.classifier import Classifier

_WHOLE = -1
"""Number of the whole backbone among its layers."""


class Meter:
    """Counts while a step is taken, and not while a model is judged.

    Images are counted at each layer of the model that has a kernel, and the layer with the most
    says how many there were: whoever calls layers one by one, or `forward` itself, is counted too.
    What one image is to a layer (windows, patches) is seen by running the model once.

    Args:
        model: The model that is trained; of a `Classifier` images are counted in its backbone.
            Copies of it that are made meanwhile count too.
        image_size: Side of its input.

    Attributes:
        waited: Seconds that the loop waited for batches.
    """

    def __init__(self, model: nn.Module, image_size: int) -> None:
        self.waited = 0.0
        self._forward: Counter[int] = Counter()
        self._backward: Counter[int] = Counter()
        self._counts = False
        self._model = model
        self._hooks = [
            (layer, layer.register_forward_hook(partial(self._passed, number)))
            for number, layer in enumerate(_layers(model))
        ]
        run_once(model, image_size, self.counting())
        self._rows_of_one = dict(self._forward)
        self._forward.clear()

    def count_at(self, backbone: nn.Module) -> None:
        """Counts at the end of a backbone, too, which has one row an image; stops with the rest."""
        heard = torch.compiler.disable(partial(self._passed, _WHOLE))  # type: ignore[no-untyped-call]
        self._hooks.append((backbone, backbone.register_forward_hook(heard)))
        self._rows_of_one[_WHOLE] = 1

    @property
    def forward(self) -> int:
        """Images that went forward through the model."""
        return self._images(self._forward)

    @property
    def backward(self) -> int:
        """Images whose gradients came back through it."""
        return self._images(self._backward)

    def _images(self, rows: Counter[int]) -> int:
        whole = [rows[number] // one for number, one in self._rows_of_one.items()]
        return max(whole, default=0)

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        return self  # a copy of the model counts here

    def __reduce_ex__(self, _: SupportsIndex) -> NoReturn:
        raise DistbenchError(
            "a student that is trained cannot be pickled, its copy would not be counted: use "
            "copy.deepcopy, whose images are, or keep its state_dict()"
        )

    @contextmanager
    def counting(self) -> Iterator[None]:
        """What happens meanwhile counts.

        Raises:
            DistbenchError: Afterwards a layer is gone, or is no longer counted.
        """
        self._counts = True
        try:
            yield
        finally:
            self._counts = False
        self._look()

    def _look(self) -> None:
        """Sees whether the layers that count are still there, and still count."""
        there = {id(layer) for layer in self._model.modules()}
        for layer, hook in self._hooks:
            if id(layer) not in there or hook.id not in layer._forward_hooks:
                raise DistbenchError(
                    "a layer of the model was exchanged, or the hook that counts its images taken "
                    "off: leave layers where they are, and remove no hooks but your own"
                )

    def stop(self) -> None:
        """Takes the hooks off the model."""
        for _, hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _passed(self, number: int, _: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if torch.compiler.is_compiling():  # what is traced runs later, without this
            return
        if not self._counts or not isinstance(output, torch.Tensor):
            return
        rows = len(output)
        self._forward[number] += rows
        if output.requires_grad:
            output.register_hook(partial(self._came_back, number, rows))  # type: ignore[no-untyped-call]

    def _came_back(self, number: int, rows: int, _: torch.Tensor) -> None:
        self._backward[number] += rows


def _layers(model: nn.Module) -> list[nn.Module]:
    """Layers without layers within them that have a kernel; the model itself if there is none."""
    watched = model.backbone if isinstance(model, Classifier) else model
    kernels = [
        layer
        for layer in watched.modules()
        if not any(True for _ in layer.children())
        and any(weight.ndim > 1 for weight in layer.parameters())
    ]
    return kernels or [watched]
