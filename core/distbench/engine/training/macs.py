"""Multiply-accumulates, counted by running a model once."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_macs(model: nn.Module, image_size: int) -> int:
    """Multiply-accumulates of one image through a model: convolutions and matrix products.

    Args:
        model: Takes (b, 3, s, s).
        image_size: Side s.

    Example::

        >>> count_macs(nn.Conv2d(3, 8, 3, padding=1), 32)
        221184
    """
    counter = FlopCounterMode(display=False)
    run_once(model, image_size, counter)
    return int(counter.get_total_flops()) // 2


def run_once(model: nn.Module, image_size: int, watched: AbstractContextManager[object]) -> None:
    """Runs a model on one black image in evaluation mode; it stays as it is.

    Args:
        model: Takes (b, 3, s, s).
        image_size: Side s.
        watched: In which it is run.
    """
    training = model.training
    trained = [p for p in model.parameters() if p.requires_grad]
    device = next(model.parameters()).device
    model.eval()
    for parameter in trained:  # the counter fails on some attention layers that are trained
        parameter.requires_grad_(False)
    try:
        with torch.no_grad(), watched:
            model(torch.zeros(1, 3, image_size, image_size, device=device))
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
        model.train(training)
