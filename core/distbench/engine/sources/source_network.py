"""A source as a torch module: what of it can be reached, layer by layer and with gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from distbench.engine.stages.embed import normalise
from distbench.engine.training.batches import resized
from distbench.engine.training.memory_format import laid_out
from distbench.engine.training.teacher import last_linear
from distbench.errors import Declined
from distbench.interfaces.layers import NetworkOutputs, module_of, tapped
from distbench.interfaces.zoo import Source


class SourceNetwork(nn.Module):
    """A source from images (b, 3, s, s) in 0..1, whatever their size, to all that it gives.

    Args:
        source: The source.
        device: Where it runs.

    Attributes:
        network: The source's own module, in evaluation mode.

    Raises:
        Declined: The source is no torch module.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        super().__init__()
        self.network = network_of(source, device)
        self._info = source.info
        head = last_linear(self.network, source.info) if source.info.num_classes else None
        self._head = () if head is None else (head,)  # in a tuple, or it were a module twice

    def check(self, layers: Sequence[str]) -> None:
        """Refuses paths that lead to no module.

        Raises:
            ArgumentError: There is no such layer.
        """
        for name in layers:
            module_of(self.network, name)

    def forward(self, images: torch.Tensor, layers: Sequence[str] = ()) -> NetworkOutputs:
        """Features, logits and layers in float32.

        Args:
            images: (b, 3, s, s) in 0..1.
            layers: Paths of its modules whose outputs are wanted too.

        Raises:
            ArgumentError: There is no such layer.
        """
        info = self._info
        sized = resized(images, info.input_size, info.interpolation)
        taken: list[torch.Tensor] = []
        hooks = [
            head.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
            for head in self._head
        ]
        try:
            with tapped(self.network, layers, f"source {info.name!r}") as outputs:
                result = self.network(normalise(sized, info.mean, info.std)).float()
        finally:
            for hook in hooks:
                hook.remove()
        features = taken[-1].flatten(1).float() if taken else result.flatten(1)
        logits = result if info.num_classes else result.new_zeros(len(images), 0)
        return NetworkOutputs(features, logits, {k: v.float() for k, v in outputs.items()})


def network_of(source: Source, device: torch.device) -> nn.Module:
    """A source as a torch module in evaluation mode.

    Raises:
        Declined: It is none.
    """
    module = source.module()
    if module is None:
        raise Declined(
            f"source {source.info.name!r} has no layers that can be reached: it is no torch module"
        )
    return laid_out(module, device).eval()
