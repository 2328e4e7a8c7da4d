"""Whether so many workers have room in this machine's memory, as far as can be known beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from distbench.storage.network.downloads import readable
from distbench.storage.rows import Row

_LEAST = 500e6
"""Bytes of a worker that trains the smallest student: Python and PyTorch."""

_MEMINFO = Path("/proc/meminfo")
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
"""Limit and use of a container, in both versions of Linux's control groups."""


def memory_warning(workers: int, rows: Iterable[Row]) -> str | None:
    """What to say before the work where workers take more memory than is free.

    Args:
        workers: Processes at once.
        rows: Of cells that were computed before; those on a CPU tell what one takes at its peak.
    """
    peaks = [
        row.cost.peak_memory_mb * 2**20
        for row in rows
        if row.cost and row.cost.peak_memory_mb and row.environment.get("device") == "cpu"
    ]
    each = max(_LEAST, *peaks) if peaks else _LEAST
    free = free_memory()
    if free is None or workers * each <= free:
        return None
    known = "as cells before did" if peaks else "at the least"
    many = f"{workers} workers take" if workers > 1 else "a worker takes"
    return (
        f"{many} about {readable(workers * each)} of memory, {known}, and {readable(free)} are "
        "free; take fewer with --workers, or a smaller --batch"
    )


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
