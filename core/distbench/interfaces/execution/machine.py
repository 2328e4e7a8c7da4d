"""What of a machine decides how many units it works on at once, and how large they may be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of a container, in both versions of Linux's control groups."""


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """The NVIDIA GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    Looks at device files alone: to ask torch would cost its import.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = sorted(
        (path for path in devices.glob("nvidia*") if path.name[6:].isdecimal()),
        key=lambda path: int(path.name[6:]),
    )
    if given is not None:
        named = [name.strip() for name in given.split(",")]
        return [name for name in named if name and name != "-1"] if there else []
    return [str(number) for number in range(len(there))]


def usable_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def total_memory(limits: Sequence[Path] = _LIMITS) -> int | None:
    """Bytes of memory that this machine, or this container of it, has; None if nobody tells."""
    found = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in limits:
        with contextlib.suppress(OSError, ValueError):  # "max": without a limit
            found.append(int(limit.read_text()))
    return min((bytes_ for bytes_ in found if bytes_ > 0), default=None)
