"""Which device computes, and what of the machine is worth recording."""

from __future__ import annotations

import platform
import resource
import sys
from typing import Any

import torch

from distbench.errors import UsageError


def pick_device(wanted: str) -> torch.device:
    """The device that ``--device`` names; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        UsageError: There is no such device here.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(f"--device {wanted} cannot be used here: {first}") from None
    return device


def environment(device: torch.device, precision: str, threads: int) -> dict[str, Any]:
    """Machine and versions, for a row."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "device": device.type,
        "device_name": name or platform.machine(),
        "precision": precision,
        "threads": threads,
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory so far: of the device on CUDA, else of this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)
