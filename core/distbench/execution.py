"""Runs a plan: computes what is missing, then writes the run's folder and its leaderboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from distbench import leaderboard
from distbench.components import Executor, Reporter
from distbench.config import RunConfig
from distbench.errors import MachineError
from distbench.leaderboard import Board
from distbench.ledger import Ledger
from distbench.paths import home
from distbench.plan import Cell, Plan
from distbench.planning import make_plan
from distbench.plugins import registry
from distbench.queue import Outcome, UnitQueue
from distbench.results import Row, write_atomic

Listener = Callable[[Outcome, str, int], None]
"""Told of every unit: its outcome, what it is, and how many units are left."""


@dataclass(frozen=True)
class RunResult:
    """What a run leaves behind.

    Attributes:
        folder: The run's folder, ``runs/NAME``.
        plan: What was run.
        rows: The rows of its cells, in the order of the plan.
        board: The leaderboard; None while no cell is done.
        computed: How many cells were computed now; the others had been before.
        students: Shipped student by task, where students are kept.
        warnings: What a person should know, one line each.
    """

    folder: Path
    plan: Plan
    rows: tuple[Row, ...]
    board: Board | None
    computed: int
    students: dict[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows of cells that failed."""
        return tuple(row for row in self.rows if row.status == "failed")

    @property
    def exit_code(self) -> int:
        """0 done, 1 some cells failed, 3 some because data or weights were refused."""
        if any(row.refused for row in self.failed):
            return 3
        return 1 if self.failed else 0


def execute(
    config: RunConfig,
    *,
    shard: tuple[int, int] | None = None,
    listener: Listener | None = None,
    runs: Path | None = None,
) -> RunResult:
    """Plans and runs; cells that are finished are not computed again.

    Args:
        config: What to run.
        shard: (number, of): only one slice of the cells, 1-based.
        listener: Told of progress.
        runs: Folder of run folders; ``runs`` in the working folder if None.

    Raises:
        DistbenchError: Something is wrong with the configuration, the data, the weights, or the
            machine; finished cells are kept.
    """
    plan = make_plan(config)
    cells: Sequence[Cell] = plan.cells
    folder = (runs or Path("runs")) / plan.name
    if shard:
        cells = plan.shard(*shard)
        folder = folder.with_name(f"{plan.name}-shard-{shard[0]}-of-{shard[1]}")
    ledger = Ledger(plan, home())
    missing = ledger.missing(cells)
    if missing and plan.device not in ("auto", "cpu"):
        from distbench.device import pick_device

        pick_device(plan.device)
    try:
        plan.save(folder / "plan.json")
        if missing:
            _compute(config, plan, missing, ledger, folder, listener)
        return _gather(plan, cells, ledger, folder, len(missing))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise MachineError.of(f"{error.strerror or error}{where}") from None


def _compute(
    config: RunConfig,
    plan: Plan,
    missing: Sequence[Cell],
    ledger: Ledger,
    folder: Path,
    listener: Listener | None,
) -> None:
    names = registry(config.plugin)
    executor = cast(Executor, names.make("executor", config.executor))
    reporters = [cast(Reporter, names.make("reporter", value)) for value in config.reporter]
    cells = {cell.id: cell for cell in missing}
    units = plan.units(missing, config.timeout)
    titles = {unit.id: unit.title for unit in units}
    fatal: list[str] = []

    def on_outcome(outcome: Outcome) -> None:
        if outcome.fatal:
            fatal.append(outcome.reason or "unknown reason")
        elif outcome.unit in cells:
            cell = cells[outcome.unit]
            row = ledger.row(cell) if outcome.status == "done" else ledger.fail(cell, outcome)
            for reporter in reporters:
                if row is not None:
                    reporter.cell(row)
        if listener:
            listener(outcome, titles[outcome.unit], len(queue))

    queue = UnitQueue(
        units,
        folder / "plan.json",
        workers=min(config.workers or default_workers(plan), len(units)),
        threads=plan.protocol.threads,
        on_outcome=on_outcome,
    )
    for reporter in reporters:
        reporter.started(queue.plan_path, len(missing))
    executor.drain(queue)
    for reporter in reporters:
        reporter.finished(folder)
    if fatal:
        raise MachineError.of(fatal[0])


def default_workers(plan: Plan) -> int:
    """As many cells at once as the cores allow; one where an accelerator computes."""
    accelerated = plan.device not in ("auto", "cpu") or (
        plan.device == "auto" and Path("/dev/nvidia0").exists()
    )
    return 1 if accelerated else max((os.cpu_count() or 1) // plan.protocol.threads, 1)


def _gather(
    plan: Plan, cells: Sequence[Cell], ledger: Ledger, folder: Path, computed: int
) -> RunResult:
    rows = tuple(ledger.rows(cells))
    copy_rows(rows, folder)
    board = write_tables(plan, rows, folder)
    students = _ship(ledger, rows, folder) if plan.save_student else {}
    return RunResult(folder, plan, rows, board, computed, students, _warnings(rows))


def copy_rows(rows: Sequence[Row], folder: Path) -> None:
    """Keeps the rows of a run in its folder, one JSON object a line."""
    write_atomic(folder / "rows.jsonl", "".join(row.model_dump_json() + "\n" for row in rows))


def write_tables(plan: Plan, rows: Sequence[Row], folder: Path) -> Board | None:
    """Writes leaderboard, costs and weights into a run's folder."""
    if not any(row.status == "done" for row in rows):
        return None
    return leaderboard.write(
        rows,
        folder,
        tasks=[task.id for task in plan.tasks],
        seeds=list(plan.seeds),
    )


def _ship(ledger: Ledger, rows: Sequence[Row], folder: Path) -> dict[str, Path]:
    """Copies for every task the student that is best on validation, never on test."""
    best: dict[str, Row] = {}
    for row in rows:
        if row.result is None or row.method.role == "ceiling":
            continue
        held = best.get(row.task.id)
        mine = row.result.validation_accuracy or 0.0
        if held is None or held.result is None or mine > (held.result.validation_accuracy or 0.0):
            best[row.task.id] = row
    shipped = {}
    for task, row in best.items():
        kept = ledger.student(row.key)
        if not kept.is_file():
            continue
        target = folder / "students" / task
        target.mkdir(parents=True, exist_ok=True)
        for path, name in ((kept, "model.safetensors"), (kept.with_suffix(".json"), "model.json")):
            draft = target / f".tmp-{name}"
            shutil.copyfile(path, draft)
            draft.replace(target / name)
        shipped[task] = target / "model.safetensors"
    return shipped


def _warnings(rows: Sequence[Row]) -> tuple[str, ...]:
    """Sources that were left out although nothing was known against them beforehand."""
    found: dict[str, None] = {}
    for row in rows:
        if row.result is None:
            continue
        for source, reason in row.result.sources.excluded.items():
            if not reason.startswith("saw this task"):
                found[f"{row.task.id}: source {source} is left out: {reason}"] = None
        if row.result.parts.skipped:
            count = len(row.result.parts.skipped)
            shown = ", ".join(row.result.parts.skipped[:3]) + (", ..." if count > 3 else "")
            found[f"{row.task.id}: {count} corrupt images skipped ({shown})"] = None
    return tuple(found)
