"""Which planned cells have rows, and how they ended, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from distbench.submission import limits
from distbench.submission.manifest import Coverage

Place = tuple[str, str, int]
"""Method, task and seed."""


def coverage(planned: Mapping[Place, str], status: Mapping[Place, str]) -> Coverage:
    """Counts of a plan's cells by how they ended.

    Args:
        planned: Key of each planned cell.
        status: Status of each cell that has a row.
    """
    counts = Counter(status.values())
    return Coverage(
        planned=len(planned),
        done=counts["done"],
        failed=counts["failed"],
        declined=counts["declined"],
        skipped=counts["skipped"],
        missing=len(planned) - len(status),
    )


def incomplete(planned: Mapping[Place, str], status: Mapping[Place, str]) -> str | None:
    """What is missing or failed, in words that follow from plan and rows alone; None if nothing."""
    ended = {place: status.get(place, "missing") for place in planned}
    parts = []
    for how in ("missing", "failed"):
        places = [place for place, state in ended.items() if state == how]
        if places:
            parts.append(f"{len(places)} of {len(planned)} cells {_WORDS[how]}: {_named(places)}")
    text = "; ".join(parts)
    return (text[: limits.TEXT - 3] + "..." if len(text) > limits.TEXT else text) or None


_WORDS = {"missing": "are missing", "failed": "failed"}


def _named(places: list[Place]) -> str:
    seeds: dict[tuple[str, str], list[int]] = {}
    for method, task, seed in places:
        seeds.setdefault((method, task), []).append(seed)
    return ", ".join(
        f"{method} on {task} ({'seed' if len(some) == 1 else 'seeds'} {', '.join(map(str, some))})"
        for (method, task), some in seeds.items()
    )
