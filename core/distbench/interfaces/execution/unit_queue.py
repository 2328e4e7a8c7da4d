"""The queue that hands out the units of a run."""

from __future__ import annotations

from bisect import insort
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from math import inf
from pathlib import Path

from distbench.interfaces.execution.unit import News, Outcome, Unit


class UnitQueue:
    """Hands out units whose needs are done; a failed unit fails what needs it.

    It may be used by one thread at a time.

    Args:
        units: What is to be done. A need that is not among them counts as done.
        plan_path: The plan that `distbench.execute_unit` reads.
        workers: How many units may be worked on at once; None: as many as the executor can.
        threads: CPU threads of one unit.
        device: Where units compute, as ``--device`` names it.
        retries: How often a unit that was lost is handed out again.
        environment: What `distbench.execute_unit` is to be given with each unit: variables that a
            process of another machine, or an older one, may not have.
        urgency: Of units that can be done now those with more are handed out first, and of equals
            the one that has waited longest; 0 for a unit that is not named.
        on_start: Called with the id of every unit that is handed out.
        on_outcome: Called with every outcome, also of units that fail with what they need; those
            that are lost and handed out again are among them, as ``lost``.
        on_news: Called with the id of a unit in progress and how far it is.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        plan_path: Path,
        *,
        workers: int | None = 1,
        threads: int = 1,
        device: str = "auto",
        retries: int = 1,
        environment: Mapping[str, str] | None = None,
        urgency: Mapping[str, float] | None = None,
        on_start: Callable[[str], None] = lambda unit: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        on_news: Callable[[str, News], None] = lambda unit, news: None,
    ) -> None:
        self.plan_path = plan_path
        self.workers, self.threads, self.device = workers, threads, device
        self.environment = dict(environment or {})
        self._retries, self._urgency = retries, urgency or {}
        self._on_start, self._on_outcome = on_start, on_outcome
        self._on_news = on_news
        self._units: Mapping[str, Unit] = {unit.id: unit for unit in units}
        self._wanted_by: dict[str, list[str]] = {unit.id: [] for unit in units}
        self._order: TopologicalSorter[str] = TopologicalSorter()
        for unit in units:
            needs = [need for need in unit.needs if need in self._units]
            self._order.add(unit.id, *needs)
            for need in needs:
                self._wanted_by[need].append(unit.id)
        self._order.prepare()
        self._ready = _Ready()
        self._of_task: defaultdict[str, _Ready] = defaultdict(_Ready)
        self._open = set(self._units)
        self._losses: Counter[str] = Counter()
        self._stopped = False
        self._make_ready(self._order.get_ready())

    @property
    def open(self) -> bool:
        """Whether any unit has not ended yet."""
        return bool(self._open) and not self._stopped

    def __len__(self) -> int:
        return len(self._open)

    def __getitem__(self, unit: str) -> Unit:
        return self._units[unit]

    def take(
        self, fits: Callable[[Unit], bool] | None = None, near: Iterable[str] = ()
    ) -> str | None:
        """A unit that can be done now: of those that fit the first, of near ones first.

        Args:
            fits: Says of a unit whether whoever asks can do it; all if None.
            near: Tasks whose images lie where it would be done.

        Returns:
            None where all that is left waits for one in progress, or does not fit.
        """
        if self._stopped:
            return None
        for some in (*(self._of_task[task] for task in near if task in self._of_task), self._ready):
            for unit in some:
                if fits is None or fits(self._units[unit]):
                    self._ready_no_more(unit)
                    self._on_start(unit)
                    return unit
        return None

    def timeout(self, unit: str) -> float | None:
        """Seconds that a unit may take; an executor that cannot stop one may ignore it."""
        return self._units[unit].timeout

    def tell(self, unit: str, news: News) -> None:
        """Passes on how far a unit is; nothing where it has ended or the queue was stopped."""
        if unit in self._open and not self._stopped:
            self._on_news(unit, news)

    def abandon(self, reason: str) -> None:
        """Ends all units that are open as failed; nothing where the queue was stopped."""
        for unit in sorted(self._open):
            self.finish(Outcome(unit, "failed", reason))

    def finish(self, outcome: Outcome) -> None:
        """Reports how a unit ended; nothing where it has ended already or the queue was stopped."""
        if outcome.unit not in self._open or self._stopped:
            return
        if outcome.status == "lost":
            self._lost(outcome)
            return
        self._open.discard(outcome.unit)
        self._ready_no_more(outcome.unit)  # it was thought to be lost
        self._on_outcome(outcome)
        self._stopped = self._stopped or outcome.fatal
        if self._stopped:
            return
        if outcome.status == "done":
            self._order.done(outcome.unit)
            self._make_ready(self._order.get_ready())
            return
        title = self._units[outcome.unit].title or outcome.unit
        cause = outcome.reason or "for an unknown reason"
        reason = cause if " failed: " in cause else f"{title} failed: {cause}"
        for unit in self._wanted_by[outcome.unit]:
            self.finish(Outcome(unit, "failed", reason, outcome.traceback, refused=outcome.refused))

    def _make_ready(self, units: Iterable[str], urgency: float | None = None) -> None:
        for unit in units:
            level = self._urgency.get(unit, 0.0) if urgency is None else urgency
            self._ready.add(unit, level)
            self._of_task[self._units[unit].task].add(unit, level)

    def _ready_no_more(self, unit: str) -> None:
        self._ready.discard(unit)
        self._of_task[self._units[unit].task].discard(unit)

    def _lost(self, outcome: Outcome) -> None:
        """Hands a unit out again where it may be tried once more."""
        self._losses[outcome.unit] += 1
        times = self._losses[outcome.unit]
        if times <= self._retries:
            self._on_outcome(outcome)
            self._make_ready([outcome.unit], urgency=inf)
            return
        reason = outcome.reason or "whoever worked on it is gone"
        again = f" ({times} times)" if times > 1 else ""
        self.finish(replace(outcome, status="failed", reason=f"{reason}{again}"))


class _Ready:
    """Units that can be done now: the most urgent first, of equals the one that waited longest."""

    def __init__(self) -> None:
        self._levels: dict[float, OrderedDict[str, None]] = {}
        self._descending: list[float] = []
        self._level_of: dict[str, float] = {}

    def __iter__(self) -> Iterator[str]:
        return (unit for level in self._descending for unit in self._levels[level])

    def add(self, unit: str, urgency: float) -> None:
        """One that can be done now."""
        if urgency not in self._levels:
            self._levels[urgency] = OrderedDict()
            insort(self._descending, urgency, key=lambda level: -level)
        self._levels[urgency][unit] = None
        self._level_of[unit] = urgency

    def discard(self, unit: str) -> None:
        """One that has been handed out, or has ended; nothing where it is not there."""
        level = self._level_of.pop(unit, None)
        if level is None:
            return
        del self._levels[level][unit]
        if not self._levels[level]:
            del self._levels[level]
            self._descending.remove(level)
