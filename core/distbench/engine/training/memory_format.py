"""The memory format that a model is trained in: channels last, except where torch gets that wrong.

On CPUs the backward pass of a 1 x 1 convolution with a stride and fewer than 16 input channels
writes past the end of its buffers if its input or its kernel lies channels last (oneDNN 3.12, seen
with AVX-512: killed processes, wrong gradients). Its forward pass is right, and so is all of it
where both are contiguous. Stems of MobileOne and FastViT have such a convolution.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)

_FEW = 16
"""Input channels from which on the convolution is right: they fill a vector register."""


def memory_format(model: nn.Module, device: torch.device) -> torch.memory_format:
    """The memory format that a model is trained in on a device.

    Wider than what was seen to fail: any groups, any kernel with a side of 1.
    """
    fails = device.type == "cpu" and any(
        layer.in_channels < _FEW and 1 in layer.kernel_size and max(layer.stride) > 1
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d)
    )
    return torch.contiguous_format if fails else torch.channels_last


def laid_out(model: Model, device: torch.device) -> Model:
    """The model itself, brought to a device and into the memory format that it is trained in."""
    model = model.to(device)
    if memory_format(model, device) is torch.channels_last:
        return model.to(memory_format=torch.channels_last)
    return contiguous_where_needed(model, device)


def contiguous_where_needed(model: Model, device: torch.device) -> Model:
    """The model itself; contiguous if it must be, and left as it is if not.

    Its convolutions make their input contiguous, too: images come channels last.
    """
    if memory_format(model, device) is torch.contiguous_format:
        model.to(memory_format=torch.contiguous_format)
        for layer in model.modules():
            hooks = layer._forward_pre_hooks.values()
            if isinstance(layer, nn.Conv2d) and _contiguous_input not in hooks:
                layer.register_forward_pre_hook(_contiguous_input)
    return model


def _contiguous_input(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return inputs[0].contiguous()
