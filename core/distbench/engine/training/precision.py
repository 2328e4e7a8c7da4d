"""What `--precision` means, wherever a model is run or trained."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

_HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def mixed_precision(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The precision that is in effect on a device, as a context for forward passes.

    - ``fp32``: everything is computed in float32, on every device.
    - ``tf32``: on CUDA, matrix products and convolutions round their float32 inputs to 10 bits of
      mantissa, forward and backward; set for the whole unit (`float32_products`).
    - ``bf16``: on CUDA, matrix products and convolutions are computed in bfloat16 and the rest in
      float32, as `torch.autocast` chooses. Weights, gradients and optimiser stay in float32.
    - ``fp16``: the same in float16; the loss is scaled (`gradient_scaler`), since small gradients
      would be zero in float16.

    Everywhere but on CUDA all four are float32: halves save next to nothing on a CPU, and numbers
    would change for no gain.

    Args:
        device: Where the model runs.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
    """
    if device.type != "cuda" or precision not in _HALVES:
        return nullcontext()
    return torch.autocast("cuda", dtype=_HALVES[precision])


def float32_products(precision: str) -> None:
    """Says for this process whether products of float32 on CUDA may be rounded to TF32."""
    rounded = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = rounded


def effective(device: torch.device, precision: str) -> str:
    """The precision that is computed in: ``fp32`` everywhere but on CUDA."""
    return precision if device.type == "cuda" else "fp32"


def gradient_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """Scales the loss where gradients are in float16; passes it on elsewhere."""
    return torch.amp.GradScaler(device.type, enabled=effective(device, precision) == "fp16")
