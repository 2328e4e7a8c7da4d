"""Which cell a person means: a key, the beginning of one, or TASK:METHOD:SEED of a run."""

from __future__ import annotations

import re
from pathlib import Path

from distbench.engine.records.run_folder import RunFolder, open_run
from distbench.errors import UsageError, did_you_mean
from distbench.interfaces.reporter import Cell
from distbench.storage.paths import without_links
from distbench.workflows.export.best import best_on_validation

_KEY = re.compile(r"[0-9a-f]{4,64}")


def find_cell(
    wanted: str, run: Path | None = None, runs: Path = Path("runs")
) -> tuple[RunFolder, Cell]:
    """The run and the cell.

    Args:
        wanted: ``TASK:METHOD:SEED``, or at least four characters of a key.
        run: A run's folder or name; the latest if None, and for a key any.
        runs: Folder of run folders.

    Raises:
        UsageError: No cell or several fit; says which are near.
    """
    named_run = open_run(run, runs)
    named = [cell for cell in named_run.plan.cells if cell.id == wanted]
    if named:
        return named_run, named[0]
    if _KEY.fullmatch(wanted):
        for folder in [named_run, *(_others(named_run, runs) if run is None else [])]:
            fitting = [cell for cell in folder.plan.cells if cell.key.startswith(wanted)]
            if len(fitting) > 1:
                shown = ", ".join(f"{cell.key[:12]} ({cell.id})" for cell in fitting[:3])
                raise UsageError(f"cell {wanted!r} is not unique: {shown}; write more of the key")
            if fitting:
                return folder, fitting[0]
    ids = [cell.id for cell in named_run.plan.cells]
    raise UsageError(
        f"{named_run.folder} has no cell {wanted!r}.{did_you_mean(wanted, ids)} Write "
        f"TASK:METHOD:SEED such as {ids[0]!r}, or a key of `distbench run --dry-run --json`; "
        "--run names another run"
    )


def find_best(
    task: str, run: Path | None = None, runs: Path = Path("runs")
) -> tuple[RunFolder, Cell]:
    """The run and the cell whose student is best on validation images of a task.

    Args:
        task: Its id.
        run: A run's folder or name; the latest if None.
        runs: Folder of run folders.

    Raises:
        UsageError: The run has no such task, or no student of it with a validation accuracy.
    """
    folder = open_run(run, runs)
    tasks = [planned.id for planned in folder.plan.tasks]
    if task not in tasks:
        raise UsageError(
            f"{folder.folder} has no task {task!r}.{did_you_mean(task, tasks)} It has "
            f"{', '.join(tasks)}; --run names another run"
        )
    best = best_on_validation(folder.rows).get(task)
    if best is None:
        raise UsageError(
            f"{folder.folder} has no student for {task} that was judged on validation images; "
            "name a cell, as TASK:METHOD:SEED"
        )
    return folder, next(cell for cell in folder.plan.cells if cell.key == best.key)


def _others(known: RunFolder, runs: Path) -> list[RunFolder]:
    """All other runs that can be read, the latest first."""
    others = []
    files = sorted(runs.glob("*/rows.jsonl"), key=lambda p: p.stat().st_mtime, reverse=True)
    for file in files:
        if without_links(file.parent) != without_links(known.folder):
            try:
                others.append(open_run(file.parent, runs))
            except UsageError:
                continue
    return others
