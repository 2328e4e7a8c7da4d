"""The contract of executors, and the queue of units that they get computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

from distbench.interfaces.component import Component


class Executor(Component, ABC):
    """Gets the units of a plan computed."""

    @abstractmethod
    def drain(self, queue: UnitQueue) -> None:
        """Takes units from the queue until none is left, and reports how each one ended.

        A unit is executed with `distbench.execute_unit(plan_path, unit_id)` in any process of any
        machine that sees the plan file and `$DISTBENCH_HOME`; nothing else is handed over.
        """


@dataclass(frozen=True)
class Outcome:
    """How one unit ended.

    Attributes:
        unit: Its id.
        status: ``done`` (a declined cell is done too: its row says so) or ``failed``.
        reason: Why it failed, in one line.
        traceback: The traceback, where there is one.
        refused: It failed because data or weights were refused.
        fatal: Nothing further can succeed: the disk is full, or there is no permission.
        seconds: How long it took.
    """

    unit: str
    status: Literal["done", "failed"]
    reason: str | None = None
    traceback: str | None = None
    refused: bool = False
    fatal: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Unit:
    """A job or a cell of a plan.

    Attributes:
        id: Its id in the plan.
        needs: Units that have to be done first.
        title: What it is, for people.
        timeout: Seconds that it may take; None for no limit.
    """

    id: str
    needs: tuple[str, ...] = ()
    title: str = ""
    timeout: float | None = None


class UnitQueue:
    """Hands out units whose needs are done; a failed unit fails what needs it.

    Args:
        units: What is to be done. A need that is not among them counts as done.
        plan_path: The plan that `distbench.execute_unit` reads.
        workers: How many units may be worked on at once.
        threads: CPU threads of one unit.
        on_start: Called with the id of every unit that is handed out.
        on_outcome: Called with every outcome, also of units that fail with what they need.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        plan_path: Path,
        *,
        workers: int = 1,
        threads: int = 1,
        on_start: Callable[[str], None] = lambda unit: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self.plan_path = plan_path
        self.workers, self.threads = workers, threads
        self._on_start, self._on_outcome = on_start, on_outcome
        self._units: Mapping[str, Unit] = {unit.id: unit for unit in units}
        self._wanted_by: dict[str, list[str]] = {unit.id: [] for unit in units}
        self._order: TopologicalSorter[str] = TopologicalSorter()
        for unit in units:
            needs = [need for need in unit.needs if need in self._units]
            self._order.add(unit.id, *needs)
            for need in needs:
                self._wanted_by[need].append(unit.id)
        self._order.prepare()
        self._ready = deque(self._order.get_ready())
        self._open = set(self._units)
        self._stopped = False

    @property
    def open(self) -> bool:
        """Whether any unit has not ended yet."""
        return bool(self._open) and not self._stopped

    def __len__(self) -> int:
        return len(self._open)

    def take(self) -> str | None:
        """A unit that can be done now; None where all that is left waits for one in progress."""
        if self._stopped or not self._ready:
            return None
        unit = self._ready.popleft()
        self._on_start(unit)
        return unit

    def timeout(self, unit: str) -> float | None:
        """Seconds that a unit may take; an executor that cannot stop one may ignore it."""
        return self._units[unit].timeout

    def abandon(self, reason: str) -> None:
        """Ends all units that are open as failed; nothing where the queue was stopped."""
        while self.open:
            self.finish(Outcome(min(self._open), "failed", reason))

    def finish(self, outcome: Outcome) -> None:
        """Reports how a unit ended."""
        if outcome.unit not in self._open:
            return
        self._open.discard(outcome.unit)
        self._on_outcome(outcome)
        self._stopped = self._stopped or outcome.fatal
        if self._stopped:
            return
        if outcome.status == "done":
            self._order.done(outcome.unit)
            self._ready.extend(self._order.get_ready())
            return
        title = self._units[outcome.unit].title or outcome.unit
        cause = outcome.reason or "for an unknown reason"
        reason = cause if " failed: " in cause else f"{title} failed: {cause}"
        for unit in self._wanted_by[outcome.unit]:
            self.finish(Outcome(unit, "failed", reason, outcome.traceback, refused=outcome.refused))
