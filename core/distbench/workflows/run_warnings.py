"""What a person should know of a run's rows, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from distbench.engine.task_facts.same_pictures import same_picture_notes
from distbench.planning.eligibility import SAW_LABELS
from distbench.planning.plan import Plan
from distbench.storage.home import home
from distbench.storage.rows import Row

_SLACK = 1.1
"""How many times the declared images may go backward before it is noted."""


def warnings_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Declined cells, skipped images, sources left out, and training beyond what is declared."""
    lines: dict[str, None] = {}
    for row in rows:
        if row.status in ("declined", "skipped"):
            lines[f"{row.method.id} on {row.task.id}: {row.status}: {row.reason}"] = None
        if row.result is None:
            continue
        for source, reason in row.result.sources.excluded.items():
            if not reason.startswith(SAW_LABELS):
                lines[f"{row.task.id}: source {source} is left out: {reason}"] = None
        if row.result.parts.skipped:
            count = len(row.result.parts.skipped)
            shown = ", ".join(row.result.parts.skipped[:3]) + (", ..." if count > 3 else "")
            lines[f"{row.task.id}: {count} corrupt images skipped ({shown})"] = None
        if more := _undeclared(row):
            lines[f"{row.method.id} on {row.task.id}: {more}"] = None
    return tuple(lines)


def notes_of_methods(plan: Plan, rows: Sequence[Row]) -> tuple[str, ...]:
    """What rows say of data that a method alone learns from: its transfer set."""
    lines: dict[str, None] = {}
    for row in rows:
        task = plan.task(row.task.id)
        for_all = {*task.notes, *same_picture_notes(plan, task, home())}
        for text in row.task.notes:
            if text not in for_all and plan.method(row.method.id).transfer is not None:
                lines[f"{row.method.id} on {task.id}: {text}"] = None
    return tuple(lines)


def _undeclared(row: Row) -> str | None:
    """A note where more images went backward than the batches of the phases hold."""
    images = row.result.declared.get("images_per_step") if row.result else None
    if row.cost is None or row.cost.images_backward is None or images is None:
        return None
    declared = images * row.cost.steps
    if row.cost.images_backward <= declared * _SLACK:
        return None
    return (
        f"{row.cost.images_backward:,} images went backward through the student where its "
        f"{row.cost.steps:,} steps declare {declared:,.0f}; its costs count them, its steps do not"
    )
