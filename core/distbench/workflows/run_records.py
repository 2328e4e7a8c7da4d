"""The rows of a run's folder as a leaderboard takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distbench.leaderboard.rows.records import Reader, RowRecord
from distbench.planning.plan import Plan
from distbench.storage.hits import FolderHits
from distbench.storage.rows import Row


def records_of(plan: Plan, rows: Sequence[Row], folder: Path) -> list[RowRecord]:
    """Rows with the groups of their tasks, and which test images they classified rightly.

    Args:
        plan: Of the run.
        rows: Some of its rows.
        folder: Where its predictions and test labels lie.
    """
    reader, hits = Reader(), FolderHits(folder)
    groups = {task.id: task.group for task in plan.tasks}
    return [
        reader.record(row, hits=hits.of(row), group=groups.get(row.task.id, "")) for row in rows
    ]
