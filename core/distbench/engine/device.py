"""Which device computes, and what of the machine is worth recording."""

from __future__ import annotations

import contextlib
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from distbench.engine.host import host
from distbench.engine.training.precision import effective
from distbench.errors import UsageError
from distbench.storage.rows import HOST

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


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
    """Machine, versions and the precision that is in effect, for a row.

    The name of the host is for the person alone: what is submitted or compared goes without.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        HOST: host(),
        "device": device.type,
        "device_name": name or platform.machine(),
        "precision": effective(device, precision),
        "threads": threads,
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def forget_peak_memory(device: torch.device) -> None:
    """Begins to measure anew, where the system lets us."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")


def peak_memory_mb(device: torch.device) -> float | None:
    """Peak memory since `forget_peak_memory`: of the device on CUDA, else of this process.

    None on Windows, which does not tell.
    """
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**20
    if _STATUS.exists():
        lines = (line.split() for line in _STATUS.read_text().splitlines())
        return next(float(words[1]) for words in lines if words[0] == "VmHWM:") / 2**10
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)
