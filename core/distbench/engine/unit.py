"""Executes one unit of a plan, a job or a cell, in this process."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from distbench.engine.handed_over import take_over
from distbench.engine.host import computing_device, host
from distbench.engine.news import heard_by
from distbench.errors import RefusedError, StoreError, interrupts, machine_gives_out, reason_of
from distbench.interfaces.execution.unit import News, Outcome
from distbench.planning.plan_copies import plan_here
from distbench.storage.home import home
from distbench.storage.network.offline import guard
from distbench.storage.system.disk import disk_trouble, of_this_machine_alone

if TYPE_CHECKING:
    from distbench.engine.workspace import Workspace
    from distbench.interfaces.reporter import Cell
    from distbench.planning.plan import Job


def execute_unit(
    plan_path: Path | str,
    unit: str,
    environment: Mapping[str, str] | None = None,
    on_news: Callable[[News], None] | None = None,
) -> Outcome:
    """Executes one unit of a plan in this process; its artifact or row is stored when it ends well.

    Args:
        plan_path: A plan as `distbench plan` writes it.
        unit: Id of a unit.
        environment: Variables that are set in this process first: where the run keeps what it
            makes, what it reads from there, and how many threads it starts.
        on_news: Told now and then how far a training is.

    Returns:
        How it ended; an exception of a component is a failure of the unit, not of the caller.
    """
    take_over(environment or {})
    guard()
    started = time.perf_counter()

    def ended(status: Literal["done", "failed", "lost"], **more: Any) -> Outcome:
        seconds = time.perf_counter() - started
        here: dict[str, Any] = {"host": host(), "device": computing_device(), "home": str(home())}
        return Outcome(unit, status, seconds=seconds, **here, **more)

    def failed(reason: str, error: BaseException, *, fatal: bool = False) -> Outcome:
        refused, lines = isinstance(error, RefusedError), traceback.format_exc()
        return ended("failed", reason=reason, traceback=lines, refused=refused, fatal=fatal)

    try:
        stat = plan_here(Path(plan_path)).stat()
        with heard_by(on_news):
            opened = _open(str(plan_path), (stat.st_mtime_ns, stat.st_ino), str(home()))
            note = _execute(*opened, unit)
    except StoreError as error:
        return failed(str(error), error, fatal=True)
    except PermissionError as error:
        ours = Path(str(error.filename or "")).is_relative_to(home())
        return failed(reason_of(error), error, fatal=ours)
    except OSError as error:
        if machine_gives_out(error) and of_this_machine_alone(error):
            return ended("lost", reason=f"{disk_trouble(error)}, on {host()}")
        return failed(disk_trouble(error), error, fatal=machine_gives_out(error))
    except BaseException as error:
        if interrupts(error):
            raise
        return failed(reason_of(error), error)
    return ended("done", note=note)


@lru_cache(maxsize=4)
def _open(
    plan_path: str, stamp: tuple[int, int], root: str
) -> tuple[Workspace, dict[str, Job], dict[str, Cell]]:
    """A plan opened once for all its units; the stamp tells it from another under its path."""
    from distbench.engine.workspace import Workspace
    from distbench.planning.plan import Plan

    plan = Plan.from_json(Path(plan_path).read_bytes())
    jobs = {job.id: job for job in plan.jobs}
    cells = {cell.id: cell for cell in plan.cells}
    return Workspace(plan, Path(root)), jobs, cells


def _execute(
    work: Workspace, jobs: dict[str, Job], cells: dict[str, Cell], unit: str
) -> str | None:
    """Executes a unit, and gives what a person should know although it ended well."""
    import torch
    from threadpoolctl import threadpool_limits

    from distbench.engine.cell import compute_cell
    from distbench.engine.device import pick_device
    from distbench.engine.global_state import unchanged
    from distbench.engine.records.ledger import Ledger
    from distbench.engine.stages.score import Scores
    from distbench.engine.training.compiled import check_compiler
    from distbench.engine.training.precision import float32_products
    from distbench.engine.training.threads import torch_threads
    from distbench.planning.units import sources_together

    threads = work.plan.protocol.threads
    exact = work.plan.protocol.deterministic
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = exact, not exact
    float32_products(work.plan.protocol.precision)
    if work.plan.protocol.compile:
        check_compiler(pick_device(work.plan.device))
    together = sources_together(work.plan, unit)
    if together is not None:
        whose = ", ".join(together[1])
    else:
        whose = _whose(work, jobs[unit]) if unit in jobs else cells[unit].method
    with torch_threads(threads), threadpool_limits(threads), unchanged(whose):
        if together is not None:
            task, sources = together
            # A source that fails must fail its own unit only; what the others have is kept.
            with contextlib.suppress(Exception):
                work.embed(work.plan.task(task), sources)
            return None
        if unit in jobs:
            _make(work, jobs[unit])
            return None
        cell, ledger = cells[unit], Ledger(work.plan, work.root)
        if ledger.computed_elsewhere(cell):
            return "another machine has computed it"
        needed = [jobs[need] for need in cell.needs if need in jobs]
        scores = next(
            (Scores.load(_make(work, job)) for job in needed if job.stage == "score"), None
        )
        return ledger.keep(*compute_cell(work, cell, scores))


def _whose(work: Workspace, job: Job) -> str:
    """Who is named where something in a job changes what it must not; metrics name themselves."""
    return job.source or job.method or str(work.plan.task(job.task).component["use"])


def _make(work: Workspace, job: Job) -> Path:
    """Makes a job's artifact if it is not at hand; for scores, the path of their file."""
    from distbench.engine.scores import reference_features, score_task
    from distbench.engine.task_facts.mirror_hint import write_mirror_hint
    from distbench.engine.task_facts.same_pictures import check_same_pictures
    from distbench.engine.task_facts.test_labels import keep_test_labels

    task = work.plan.task(job.task)
    if job.stage == "prepare":
        work.images(task)
        if task.classes:
            check_same_pictures(work, task)
            write_mirror_hint(work, task)
            keep_test_labels(work, task)
        return work.artifacts.folder("images", job.key)
    if job.stage == "embed" and job.source is not None:
        if job.seed is None:
            return work.embedding_folder(task, job.source)
        of_probe = work.probe_images(task, job.seed)
        return of_probe.embed({job.source: work.sources[job.source]})[job.source]
    seed = job.seed or 0
    if job.stage == "reference":
        reference_features(work, task, seed)
        return work.artifacts.folder("references", job.key)
    method = work.plan.method(job.method or "")

    def make(folder: Path) -> None:
        score_task(work, task, method, seed).save(folder / "scores.json")

    return work.artifacts.build("scores", job.key, make) / "scores.json"
