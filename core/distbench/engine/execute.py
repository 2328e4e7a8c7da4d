"""Units of a plan executed, each when what it needs is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from distbench.engine.forecast.estimate import Estimate, foreseen
from distbench.engine.forecast.telling import SHORT, Telling
from distbench.engine.forecast.time_left import TimeLeft, sizes_of
from distbench.engine.handed_over import handed_over
from distbench.engine.processes.memory_estimate import memory_warning
from distbench.engine.records.ledger import Ledger
from distbench.errors import MachineError
from distbench.interfaces.calls import naming
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.execution.unit import Kind, Outcome, Unit
from distbench.interfaces.execution.unit_queue import UnitQueue
from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.reporter import Cell
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.plan_copies import share_plan
from distbench.planning.units import units_of
from distbench.plugins.shipped_files import share, ship
from distbench.storage.home import home
from distbench.storage.system.memory import free_memory

_GROUPS = 4
"""Passes over the images of a task in which its sources are embedded where nobody knows how many
GPUs there are."""
_LONG = 60.0
"""Seconds that a unit is expected to take, from which on its beginning has a line in a log; and
those after which what is in progress has one."""


def execute_cells(
    config: RunConfig,
    plan: Plan,
    cells: Sequence[Cell],
    executor: Executor,
    on_outcome: Callable[[Outcome], None],
    *,
    jobs_only: bool = False,
    on_start: Callable[[str], None] = lambda unit: None,
    progress: Progress = silent,
) -> None:
    """Has cells of a plan executed, and first the jobs that they need.

    Args:
        config: How many workers, how long and how often.
        plan: Is kept under ``$DISTBENCH_HOME`` where workers read it.
        cells: What is to be computed.
        executor: Who executes them.
        on_outcome: Told how each unit ended.
        jobs_only: Whether the jobs alone are executed.
        on_start: Told the id of each unit that begins.
        progress: Hears of every unit that begins or ends; of what is short as minor.

    Raises:
        MachineError: The machine gave out, or the shared store; what ended before has been told.
    """
    gpus, workers = executor.gpus_a_unit(plan.device), workers_at_once(config, plan, executor)
    groups = (workers or _GROUPS) if gpus else 0
    units = units_of(plan, cells, config.timeout, gpus=gpus, groups=groups)
    if jobs_only:
        units = [unit for unit in units if unit.kind != "cell"]
    at_once = None if workers is None else max(1, min(workers, len(units)))
    forecast = None
    if executor.here and at_once and not jobs_only:
        forecast = foreseen(plan, units, at_once, Ledger(plan).some_rows)
    if forecast is not None:
        progress(f"expected: {forecast}")
        warning = forecast.warning(free_memory())
    else:
        warning = short_of_memory(plan, executor, at_once if units else None)
    if warning:
        progress(f"warning: {warning}")
    execute_units(
        config,
        plan,
        units,
        executor,
        on_outcome,
        workers=at_once,
        forecast=forecast,
        on_start=on_start,
        progress=progress,
    )


def execute_units(
    config: RunConfig,
    plan: Plan,
    units: Sequence[Unit],
    executor: Executor,
    on_outcome: Callable[[Outcome], None],
    *,
    workers: int | None,
    forecast: Estimate | None = None,
    on_start: Callable[[str], None] = lambda unit: None,
    progress: Progress = silent,
    short: Collection[Kind] = SHORT,
) -> None:
    """Has units of a plan executed, each when what it needs is there.

    Args:
        config: How often a unit is tried.
        plan: As `execute_cells` takes it.
        units: What is to be done.
        executor: Who executes them.
        on_outcome: As `execute_cells` takes it.
        workers: How many are worked on at once; None where the executor finds out.
        forecast: What they are expected to take, where somebody knows.
        on_start: As `execute_cells` takes it.
        progress: Hears of every unit that begins or ends.
        short: Kinds of units whose ends are minor news.

    Raises:
        MachineError: The machine gave out; what ended before has been told.
    """
    fatal: list[str] = []
    expected = {} if forecast is None else forecast.units
    left = TimeLeft(
        units,
        expected or sizes_of(plan, units),
        seconds=forecast is not None,
        workers=workers or 1,
    )
    long = {unit for unit, seconds in expected.items() if seconds > _LONG}
    telling = Telling(units, progress, left, long=long, short=short, every=_LONG)

    def begun(unit: str) -> None:
        on_start(unit)
        telling.begun(unit)

    def ended(outcome: Outcome) -> None:
        if outcome.fatal:
            fatal.append(outcome.reason or "unknown reason")
        elif outcome.status != "lost":
            on_outcome(outcome)
        telling.ended(outcome)

    ship(plan.plugin_files, home())
    # Workers read a plan that nothing replaces, whatever else runs under the same name.
    kept = plan.keep(home())
    if not executor.here:
        share(plan.plugin_files, home())
        share_plan(kept)
    queue = UnitQueue(
        units,
        kept,
        workers=workers,
        threads=plan.protocol.threads,
        device=plan.device,
        retries=config.retries,
        environment=handed_over(plan.protocol.threads),
        urgency=None if forecast is None else forecast.urgency,
        on_start=begun,
        on_outcome=ended,
        on_news=telling.under_way,
    )
    with naming(executor.name, "drain"):
        executor.drain(queue)
    queue.abandon(f"executor {executor.name} left it undone")
    if fatal:
        raise MachineError.of(fatal[0])


def workers_at_once(config: RunConfig, plan: Plan, executor: Executor) -> int | None:
    """How many units are worked on at once; None where the executor finds out."""
    return config.workers or executor.capacity(plan.device, plan.protocol.threads)


def short_of_memory(plan: Plan, executor: Executor, workers: int | None) -> str | None:
    """What to say where this machine's workers have too little memory; see `memory_warning`."""
    if not workers or not executor.here:
        return None
    return memory_warning(workers, Ledger(plan).some_rows())
