"""The rows of a run's folder as a leaderboard takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.rows.row_reader import Reader
from distbench.planning.plan import Plan
from distbench.plugins.registry import registry
from distbench.storage.hits import FolderHits
from distbench.storage.probabilities import of_run
from distbench.storage.rows import Row
from distbench.workflows.judging import Judging


def judging_of(plan: Plan) -> Judging:
    """Each task of a plan by its own measure; of its plugin files those that are still there."""
    files = map(Path, plan.plugin_files)
    return Judging(registry(tuple(file for file in files if file.is_file())))


def records_of(
    plan: Plan, rows: Sequence[Row], folder: Path, judging: Judging | None = None
) -> list[RowRecord]:
    """Rows with the groups of their tasks, and what measures say of their answers.

    Args:
        plan: Of the run.
        rows: Some of its rows.
        folder: Where its predictions, probabilities and test labels lie.
        judging: By what they are judged; `judging_of` the plan if None.

    Raises:
        PluginError: A measure fails.
    """
    reader, answers, judging = Reader(), FolderHits(folder), judging or judging_of(plan)
    groups = {task.id: task.group for task in plan.tasks}
    by = {task.id: judging.of_task(task.id, task.measure) for task in plan.tasks}
    return [
        reader.record(
            row,
            hits=answers.of(row),
            group=groups.get(row.task.id, ""),
            measure=by[row.task.id],
            judged=judging.judged(
                by[row.task.id],
                row,
                answers.predictions(row),
                answers.labels(row),
                lambda row: of_run(folder, row),
            ),
        )
        for row in rows
    ]
