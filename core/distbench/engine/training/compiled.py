"""What `--compile` means: the backbone that is trained runs as torch's compiler makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import nn

from distbench.engine.training.meter import Meter
from distbench.errors import UsageError, reason_of
from distbench.interfaces.classifier import Classifier


@contextmanager
def compiled_backbone(model: nn.Module, meter: Meter | None) -> Iterator[None]:
    """Compiles the backbone of a `Classifier`, whose passes meanwhile are those of the compiler.

    Students of one architecture share what was compiled in a process. Copies of the model, its
    moving average among them, run as they are written; so does the head, which is a method's own.
    A hook that a method puts on a layer later is heard: the backbone is compiled once more.

    Args:
        model: The model; any other than a `Classifier` stays as it is.
        meter: Counts images at the end of the backbone, too: compiled layers are silent.
    """
    from torch import _dynamo

    if not isinstance(model, Classifier):
        yield
        return
    model.backbone.compile()
    if meter is not None:
        meter.count_at(model.backbone)
    with _dynamo.config.patch(skip_nnmodule_hook_guards=False):
        yield


@cache
def check_compiler(device: torch.device) -> None:
    """Compiles one sum.

    Raises:
        UsageError: Nothing can be compiled for this device here.
    """
    from torch._dynamo.exc import TorchDynamoException

    try:
        torch.compile(torch.add)(torch.ones(2, device=device), 1)
    except (TorchDynamoException, RuntimeError, OSError) as error:
        raise UsageError(
            f"--compile cannot be used on {device} here: {reason_of(error)}; install what torch's "
            "compiler needs (a C++ compiler, and triton on CUDA), or leave it out"
        ) from None
