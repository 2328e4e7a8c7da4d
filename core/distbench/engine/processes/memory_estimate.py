"""Whether so many workers have room in this machine's memory, as far as can be known beforehand."""

from __future__ import annotations

from collections.abc import Iterable

from distbench.storage.network.downloads import readable
from distbench.storage.rows import Row
from distbench.storage.system.memory import free_memory

_LEAST = 500e6
"""Bytes of a worker that trains the smallest student: Python and PyTorch."""


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
