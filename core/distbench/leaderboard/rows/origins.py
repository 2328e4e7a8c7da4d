"""Where rows come from, and all that was read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from distbench.leaderboard.rows.records import RowRecord


@dataclass(frozen=True)
class RowOrigin:
    """A file or folder that rows come from.

    Attributes:
        path: As it was given or found.
        kind: A run's folder, or a submission's bundle.
        submitter: Who submitted it; None for a run.
        tasks: The planned tasks, in order.
        seeds: The planned seeds.
        groups: Task to the name of the group of tasks that it shares data with.
        missing: Which planned cells have no row, here or in what was read beside it; None if none.
        about: What else it says of itself.
        again: Of a bundle, method to how many of its cells others computed again, by a record that
            the reader believes.
        recomputed: Whether all its accuracies were recomputed, by that record.
    """

    path: str
    kind: Literal["run", "bundle"]
    submitter: str | None = None
    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    missing: str | None = None
    again: Mapping[str, int] = field(default_factory=dict)
    recomputed: bool = False


@dataclass(frozen=True)
class Collected:
    """All that was read: `records` with the number of their origin, and what was `refused`.

    `notes` say of what was read how far it can be trusted, one line each.
    """

    origins: tuple[RowOrigin, ...]
    records: tuple[RowRecord, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()
