"""Units of a plan executed, each when what it needs is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from distbench.engine.ledger import Ledger
from distbench.engine.processes.memory_estimate import memory_warning
from distbench.errors import MachineError
from distbench.interfaces.calls import naming
from distbench.interfaces.executor import Executor, Outcome, Unit, UnitQueue
from distbench.interfaces.progress import Progress, silent
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.storage.home import home

_LOOKED_AT = 200
"""Cells that tell what one takes; a plan may have a hundred thousand."""


def execute_units(
    config: RunConfig,
    plan: Plan,
    units: Sequence[Unit],
    executor: Executor,
    on_outcome: Callable[[Outcome], None],
    *,
    on_start: Callable[[str], None] = lambda unit: None,
    progress: Progress = silent,
) -> None:
    """Has units of a plan executed.

    Args:
        config: How many workers.
        plan: Is kept under ``$DISTBENCH_HOME`` where workers read it.
        units: Jobs and cells.
        executor: Who executes them.
        on_outcome: Told how each ended.
        on_start: Told the id of each unit that begins.
        progress: Hears of every unit that ends; of embeddings and scores as minor.

    Raises:
        MachineError: The machine gave out; what ended before has been told.
    """
    titles = {unit.id: unit.title for unit in units}
    fatal: list[str] = []

    def ended(outcome: Outcome) -> None:
        if outcome.fatal:
            fatal.append(outcome.reason or "unknown reason")
        else:
            on_outcome(outcome)
        failed = outcome.status == "failed"
        ending = f"failed: {outcome.reason or ''}" if failed else "done"
        progress(
            f"{titles[outcome.unit]}: {ending} ({outcome.seconds:.1f} s)",
            len(units) - len(queue),
            len(units),
            minor=outcome.unit.startswith(("embed:", "score:")) and not failed,
        )

    # Workers read a plan that nothing replaces, whatever else runs under the same name.
    queue = UnitQueue(
        units,
        plan.keep(home()),
        workers=workers_at_once(config, plan, len(units)),
        threads=plan.protocol.threads,
        on_start=on_start,
        on_outcome=ended,
    )
    if warning := short_of_memory(config, plan, len(units)):
        progress(f"warning: {warning}", 0, len(units))
    with naming(executor.name, "drain"):
        executor.drain(queue)
    queue.abandon(f"executor {executor.name} left it undone")
    if fatal:
        raise MachineError.of(fatal[0])


def workers_at_once(config: RunConfig, plan: Plan, units: int) -> int:
    """How many units are worked on at once."""
    return min(config.workers or default_workers(plan), units)


def short_of_memory(config: RunConfig, plan: Plan, units: int) -> str | None:
    """What to say where this machine's workers have too little memory; see `memory_warning`."""
    if not units or config.executor != "local":
        return None
    rows = Ledger(plan).rows(plan.cells[:_LOOKED_AT])
    return memory_warning(workers_at_once(config, plan, units), rows)


def default_workers(plan: Plan) -> int:
    """As many units at once as the cores allow; one where an accelerator computes."""
    accelerated = plan.device not in ("auto", "cpu") or (
        plan.device == "auto" and Path("/dev/nvidia0").exists()
    )
    return 1 if accelerated else max((os.cpu_count() or 1) // plan.protocol.threads, 1)
