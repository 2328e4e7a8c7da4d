"""How much memory this machine has, and how much of it is free."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
"""Limit and use of a container, in both versions of Linux's control groups."""


def total_memory() -> float | None:
    """Bytes of memory that this machine, or this container of it, has; None if nobody tells."""
    sizes = [most for limit, _ in _GROUPS if (most := _number(Path(limit)))]
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sizes.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    return min((size for size in sizes if size > 0), default=None)


def free_memory() -> float | None:
    """Bytes that processes may still take, here and in this container; None if nobody tells."""
    free = []
    for limit, use in _GROUPS:
        if (most := _number(Path(limit))) is not None:
            free.append(most - (_number(Path(use)) or 0))
    if _MEMINFO.is_file():
        lines = (line.split() for line in _MEMINFO.read_text().splitlines())
        free += [1024.0 * int(words[1]) for words in lines if words[0] == "MemAvailable:"]
    return max(0.0, min(free)) if free else None


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):  # "max": without a limit
        return None
