"""Checks of executors, on a plan of the miniature in which some cells fail on purpose."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from distbench.errors import UsageError
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.execution.unit import Outcome
from distbench.interfaces.execution.unit_queue import UnitQueue
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.planning.units import units_of
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import options
from distbench.testing.subject import Subject, workplace

_WORKERS = 2


@check("executor")
def drains(subject: Subject) -> None:
    """Every unit ends once, failures with their reason, and no more run at once than may."""
    executor: Executor = subject.make()
    try:
        executor.ready()
    except UsageError as error:
        raise NotChecked(f"it is not ready here: {error}") from None
    given = options(subject, baseline=("finetune", "miniature_trouble"), seeds=2)
    started: Counter[str] = Counter()
    ended: dict[str, Outcome] = {}
    most = 0
    lock = threading.Lock()

    def on_start(unit: str) -> None:
        nonlocal most
        with lock:
            started[unit] += 1
            most = max(most, sum(started.values()) - len(ended))

    def on_outcome(outcome: Outcome) -> None:
        with lock:
            ended[outcome.unit] = outcome

    with workplace() as folder:
        plan = make_plan(RunConfig.make(**given))
        path = folder / "home" / "plans" / "checked.json"
        plan.save(path)
        units = units_of(plan, plan.cells)
        queue = UnitQueue(units, path, workers=_WORKERS, on_start=on_start, on_outcome=on_outcome)
        with fault_if_raises(
            "draining a queue", "a unit that fails is an Outcome, not an exception"
        ):
            executor.drain(queue)
        if queue.open or len(ended) < len(units):
            raise Fault(
                f"{len(units) - len(ended)} of {len(units)} units have not ended when drain() "
                "returns",
                "go on while queue.open, and call queue.finish(outcome) for each unit taken",
            )
    if twice := [unit for unit, count in started.items() if count > 1]:
        raise Fault(f"{twice[0]} was taken twice", "take each unit from the queue, once")
    if most > _WORKERS:
        raise Fault(f"{most} units ran at once", f"queue.workers says {_WORKERS}")
    trouble = {cell.id for cell in plan.cells if "trouble" in cell.method}
    for unit, outcome in ended.items():
        if (outcome.status == "failed") != (unit in trouble):
            raise Fault(
                f"{unit} is reported as {outcome.status}: {outcome.reason}",
                "hand on what distbench.execute_unit returns",
            )
        if outcome.status == "failed" and "on purpose" not in (outcome.reason or ""):
            raise Fault(
                f"a failure is reported with the reason {outcome.reason!r}",
                "hand on what distbench.execute_unit returns",
            )


@check("executor")
def empty(subject: Subject) -> None:
    """A queue without units is done at once."""
    with fault_if_raises("draining a queue without units", "look at queue.open first"):
        subject.make().drain(UnitQueue([], Path("nowhere.json")))
