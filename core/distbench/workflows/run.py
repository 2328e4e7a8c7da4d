"""Runs a plan: computes what is missing, then writes the run's folder and its leaderboard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from distbench.engine.execute import execute_cells
from distbench.engine.records.ledger import Ledger, row_of
from distbench.engine.students.trial import try_student
from distbench.engine.task_facts.mirror_hint import mirror_hint
from distbench.engine.task_facts.same_pictures import same_picture_notes
from distbench.engine.task_facts.test_labels import test_labels
from distbench.errors import (
    DistbenchError,
    InterruptedRunError,
    MachineError,
    StopSignal,
    interrupts,
)
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.execution.unit import Outcome
from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.reporter import Cell
from distbench.leaderboard import run_files
from distbench.leaderboard.analysis.board import Board
from distbench.planning.config import RunConfig
from distbench.planning.eligibility import doubtful_names
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.plugins.registry import registry
from distbench.storage.atomic import write_atomic
from distbench.storage.hits import write_test_labels
from distbench.storage.home import home
from distbench.storage.predictions import FILE, Predictions, write_predictions
from distbench.storage.probabilities import Logs, write_run
from distbench.storage.row_lines import sealed_line
from distbench.storage.rows import Row
from distbench.storage.system.disk import disk_trouble
from distbench.workflows import flat_scale
from distbench.workflows.export.best import ship_best
from distbench.workflows.image_names import IMAGES, write_image_names
from distbench.workflows.reporters import Reporters, run_facts
from distbench.workflows.results.row_table import FILE as ROW_FILE
from distbench.workflows.results.row_table import write_row_file
from distbench.workflows.run_records import records_of
from distbench.workflows.run_result import RunResult
from distbench.workflows.run_warnings import notes_of_methods, warnings_of


def execute(
    config: RunConfig,
    *,
    shard: tuple[int, int] | None = None,
    progress: Progress = silent,
    runs: Path | None = None,
    on_plan: Callable[[Plan], None] = lambda plan: None,
) -> RunResult:
    """Plans and runs; cells that are finished are not computed again.

    Args:
        config: What to run.
        shard: (number, of): only one slice of the cells, 1-based.
        progress: Hears of every unit that ends.
        runs: Folder of run folders; ``runs`` in the working folder if None.
        on_plan: Told what is going to be run, before anything is.

    Raises:
        DistbenchError: Something is wrong with the configuration, the data, the weights, or the
            machine; finished cells are kept.
    """
    plan = make_plan(config)
    on_plan(plan)
    cells: Sequence[Cell] = plan.cells
    folder = (runs or Path("runs")) / plan.name
    if shard:
        cells = plan.shard(*shard)
        folder = folder.with_name(f"{plan.name}-shard-{shard[0]}-of-{shard[1]}")
    ledger = Ledger(plan, home())
    missing = ledger.missing(cells)
    ledger.share(cells)
    executor, reporters = made_ready(config, plan, missing)
    try:
        plan.save(folder / "plan.json")
        if reporters:
            about = run_facts(plan, folder.absolute(), cells=len(cells), missing=len(missing))
            reporters.notify("started", about)
            again = {cell.key for cell in missing}
            for row in ledger.rows(cell for cell in cells if cell.key not in again):
                reporters.notify("cell_cached", row)
        if missing:
            _compute(config, plan, missing, ledger, executor, reporters, progress)
        result = _gather(plan, cells, ledger, folder, len(missing))
        reporters.notify("finished", folder)
        return replace(result, warnings=result.warnings + tuple(reporters.warnings))
    except (KeyboardInterrupt, StopSignal) as error:
        if not interrupts(error):
            raise
        reporters.notify("stopped", "interrupted")
        raise InterruptedRunError(
            "interrupted; finished cells are kept, the same command goes on", error
        ) from None
    except MachineError as error:
        reporters.notify("stopped", str(error))
        raise
    except OSError as error:
        stopped = MachineError.of(disk_trouble(error))
        reporters.notify("stopped", str(stopped))
        raise stopped from None


def made_ready(
    config: RunConfig, plan: Plan, missing: Sequence[Cell]
) -> tuple[Executor, Reporters]:
    """Executor and reporters of a run, and everything refused that can be before the work begins.

    Args:
        config: What to run.
        plan: Its plan.
        missing: Cells that are to be computed.

    Raises:
        UsageError: One of them is unknown or cannot work here, there is no such device, or the
            student cannot be used at the protocol's image size.
    """
    names = registry(config.plugin)
    executor = names.make("executor", config.executor, base=config.base_of("executor"))
    reporters = Reporters(config, names)
    compiles = plan.protocol.compile
    if missing and executor.here and (compiles or plan.device not in ("auto", "cpu")):
        from distbench.engine.device import pick_device

        device = pick_device(plan.device)
        if compiles:
            from distbench.engine.training.compiled import check_compiler

            check_compiler(device)
    if missing:
        executor.ready()
        try_student(plan, home())
    return executor, reporters


def _compute(
    config: RunConfig,
    plan: Plan,
    missing: Sequence[Cell],
    ledger: Ledger,
    executor: Executor,
    reporters: Reporters,
    progress: Progress,
) -> None:
    """Has the missing cells computed; how each one ended is in its row."""
    cells = {cell.id: cell for cell in missing}

    def on_start(unit: str) -> None:
        if unit in cells:
            reporters.notify("cell_started", cells[unit])

    def on_outcome(outcome: Outcome) -> None:
        if outcome.unit in cells:
            row = row_of(ledger, cells[outcome.unit], outcome)
            reporters.notify("cell_failed" if row.status == "failed" else "cell_finished", row)

    execute_cells(config, plan, missing, executor, on_outcome, on_start=on_start, progress=progress)


def _gather(
    plan: Plan, cells: Sequence[Cell], ledger: Ledger, folder: Path, computed: int
) -> RunResult:
    rows = tuple(ledger.rows(cells))
    copy_rows(rows, folder, ledger.predictions, ledger.logs)
    write_test_labels(folder, test_labels(plan, home()))
    unnamed = _unnamed(plan, rows, folder)
    board = write_tables(plan, rows, folder)
    students, unshipped = ship_best(ledger, rows, folder) if plan.save_student else ({}, ())
    hints = (mirror_hint(plan, task, home()) for task in plan.tasks)
    judged = {row.task.id for row in rows if row.status != "failed"}  # failed ones say it
    pictures = (
        f"{task.id}: {text}"
        for task in plan.tasks
        if task.id in judged
        for text in same_picture_notes(plan, task, home())
    )
    names = registry(tuple(map(Path, plan.plugin_files)))
    doubts = doubtful_names(plan.sources, plan.tasks, names.data_sets())
    warnings = (
        *plan.warnings,
        *ledger.notes,
        *warnings_of(rows),
        *flat_scale.of_rows(plan, rows, names),
        *notes_of_methods(plan, rows),
        *doubts,
        *pictures,
        *filter(None, hints),
        *unshipped,
        *unnamed,
    )
    if len(rows) < len(cells):
        warnings += (f"{len(cells) - len(rows)} of {len(cells)} cells are missing; run again",)
    if plan.save_student and board and not students and not unshipped:
        warnings += ("no student is shipped: no method could be judged on validation images",)
    return RunResult(folder, plan, rows, len(cells), board, computed, students, warnings)


def _unnamed(plan: Plan, rows: Sequence[Row], folder: Path) -> tuple[str, ...]:
    """Keeps the names of the images; a warning where they cannot be had any more."""
    try:
        write_image_names(plan, rows, folder)
    except DistbenchError as error:
        return (f"{IMAGES} is not written: {error}",)
    return ()


def copy_rows(
    rows: Sequence[Row],
    folder: Path,
    predictions: Callable[[Row], Predictions | None],
    logs: Callable[[Row], Logs | None],
) -> None:
    """Keeps the rows of a run in its folder, one sealed JSON object a line, and their answers.

    ``rows.parquet`` holds them flat. It goes before the rows that it was made of do, so that at no
    time it lies beside others, whenever this is cut off.

    Args:
        rows: All that there are.
        folder: The run's.
        predictions: Gives those of a row.
        logs: Gives the logarithms of its test probabilities, of which one row's are held at once.

    Raises:
        OSError: No space, no permission.
    """
    by_key = {row.key: given for row in rows if (given := predictions(row)) is not None}
    write_predictions(folder / FILE, by_key)
    write_run(folder, rows, logs)
    text = "".join(sealed_line(row) + "\n" for row in rows).encode()
    (folder / ROW_FILE).unlink(missing_ok=True)
    write_atomic(folder / "rows.jsonl", text)
    write_row_file(folder / ROW_FILE, rows, hashlib.sha256(text).hexdigest())


def write_tables(plan: Plan, rows: Sequence[Row], folder: Path) -> Board | None:
    """Writes leaderboard, its picture, costs and weights into a run's folder."""
    if not any(row.status == "done" for row in rows):
        for old in folder.glob("leaderboard[.-]*"):
            old.unlink()
        return None
    return run_files.write(
        records_of(plan, rows, folder),
        folder,
        tasks=[task.id for task in plan.tasks],
        seeds=list(plan.seeds),
    )
