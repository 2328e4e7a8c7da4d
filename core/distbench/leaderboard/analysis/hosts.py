"""Which machines computed the cells of a run, for the person whose machines they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from distbench.leaderboard.rows.records import RowRecord
from distbench.storage.rows import HOST


def cells_by_host(rows: Iterable[RowRecord]) -> dict[str, int]:
    """How many cells each host computed or failed at, the busiest first.

    Args:
        rows: Those that do not say where they were computed, as of an earlier version, and those of
            cells that nothing was computed for, do not count.
    """
    counts = Counter(str(row.environment[HOST]) for row in rows if HOST in row.environment)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def hosts_text(hosts: dict[str, int]) -> str:
    """In one line; empty where nothing is known."""
    told = (f"{host} ({count} cell{'s'[: count != 1]})" for host, count in hosts.items())
    return f"Computed on: {', '.join(told)}." if hosts else ""
