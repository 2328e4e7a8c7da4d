"""Which planned cells have no row, in a few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

PlannedCell = tuple[str, str, int]
"""Method, task and seed."""

_LISTED = 5
"""Names that are listed of one kind; more are counted."""
_AXES = (("task", 1), ("method", 0), ("seed", 2))
"""What a cell is part of, the most telling first, and its place in a `PlannedCell`."""


def missing_cells(planned: Mapping[PlannedCell, str], keys: Collection[str]) -> str | None:
    """What is missing of a plan, e.g. ``6 of 12 cells are missing: task d2``.

    Args:
        planned: Key of each planned cell.
        keys: Those of the cells that have a row, whatever its status.

    Returns:
        None if nothing is missing.
    """
    missing = [cell for cell, key in planned.items() if key not in keys]
    if not missing:
        return None
    count = f"{len(missing)} of {len(planned)} cells {'is' if len(missing) == 1 else 'are'} missing"
    if len(missing) == len(planned):
        return count
    return f"{count}: {'; '.join(_parts(list(planned), missing))}"


def _parts(planned: Sequence[PlannedCell], missing: Sequence[PlannedCell]) -> list[str]:
    """Tasks, methods and seeds of which nothing is there, then the cells that are left."""
    parts, rest = [], list(missing)
    for axis, place in _AXES:
        whole = _whole(planned, missing, place) if rest else []
        if named := [value for value in whole if any(cell[place] == value for cell in rest)]:
            parts.append(f"{axis}{'s' * (len(named) > 1)} {listed([str(v) for v in named])}")
            rest = [cell for cell in rest if cell[place] not in named]
    if rest:
        parts.append(listed([f"{method} on {task}, seed {seed}" for method, task, seed in rest]))
    return parts


def _whole(
    planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], place: int
) -> list[str | int]:
    """The tasks, methods or seeds all of whose planned cells are missing."""
    counts: dict[str | int, int] = defaultdict(int)
    for cell in planned:
        counts[cell[place]] += 1
    for cell in missing:
        counts[cell[place]] -= 1
    return [value for value, left in counts.items() if not left]


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are; apart by semicolons where they hold commas."""
    more = len(names) - _LISTED
    separator = "; " if "," in names[0] else ", "
    return separator.join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
