"""What a person hears of a run while it goes on: units that begin, are under way, and end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from distbench.engine.forecast.time_left import TimeLeft
from distbench.interfaces.execution.unit import Kind, News, Outcome, Unit
from distbench.interfaces.progress import Progress

SHORT: frozenset[Kind] = frozenset({"embed", "score"})
"""Kinds of units that are many and short in a run."""


class Telling:
    """Tells of units, each time with how many have ended and how long the rest takes.

    Args:
        units: All of them.
        progress: Who hears of it.
        left: How long the rest takes.
        long: Units whose beginning has a line in a log.
        short: Kinds of units whose end has none.
        every: Seconds after which what is under way has one.
        clock: Gives the time, seconds.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        progress: Progress,
        left: TimeLeft,
        *,
        long: Collection[str],
        short: Collection[Kind] = SHORT,
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._units = {unit.id: unit for unit in units}
        self._progress, self._left = progress, left
        self._long, self._short = long, short
        self._every, self._clock = every, clock
        self._ended = 0
        self._reasons: list[str] = []
        self._line = clock()

    def begun(self, unit: str) -> None:
        """A unit has begun."""
        self._left.begun(unit)
        self._tell(unit, "begun", minor=unit not in self._long)

    def under_way(self, unit: str, news: News) -> None:
        """A unit has got so far."""
        self._left.reached(unit, news.share)
        due = self._clock() - self._line > self._every
        if due:
            self._line = self._clock()
        self._tell(unit, news.text, minor=not due)

    def ended(self, outcome: Outcome) -> None:
        """A unit has ended, or was lost and is tried again."""
        well, lost = outcome.status == "done", outcome.status == "lost"
        if not lost:
            self._ended += 1
            self._left.ended(outcome.unit, outcome.seconds)
        done = f"done; {outcome.note}" if outcome.note else "done"
        text = done if well else f"{outcome.status}: {self._why(outcome)}"
        text += ", so it is tried again" if lost else ""
        text += f" ({outcome.seconds:.1f} s)" if outcome.seconds else ""  # of a lost one not known
        minor = well and self._units[outcome.unit].kind in self._short
        self._tell(outcome.unit, text, minor=minor)

    def _why(self, outcome: Outcome) -> str:
        """Why a unit ended so; of those that fail with it nobody reads the same words again."""
        reason = outcome.reason or ""
        if any(told in reason for told in self._reasons):
            return "for the reason above"
        if reason and outcome.status != "lost":
            self._reasons.append(reason)
        return reason

    def _tell(self, unit: str, text: str, *, minor: bool) -> None:
        self._progress(
            f"{self._units[unit].title}: {text}",
            self._ended,
            len(self._units),
            minor=minor,
            left=self._left.seconds(),
        )
