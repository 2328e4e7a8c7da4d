"""The driver's part: every unit of the queue given to a pilot that is free and alive."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from distbench import Outcome, UnitQueue, UsageError
from distbench_builtin.shared.pilots.fleet import Fleet
from distbench_builtin.shared.pilots.mail import Errand, Mail, Word

_FAST, _SLOW = 0.2, 3.0
"""Seconds between two looks at what pilots say: after something happened, and after a while."""
_BEAT = 10.0
"""Seconds between two signs of life."""


@dataclass
class _Pilot:
    """A pilot as the driver sees it.

    Attributes:
        job: The job it runs in.
        word: What it said last.
        heard: When that was new, by the driver's own clock: those of other machines do not count.
        errand: The unit that it has.
        begun: Whether it has said that it works on it.
        given: How many units it was given.
        ended: How many of them it has ended.
        tasks: Those whose units it was given, the last first: their images may lie where it is.
    """

    job: str
    word: Word | None = None
    heard: float = 0.0
    errand: Errand | None = None
    begun: bool = False
    given: int = 0
    ended: int = 0
    tasks: tuple[str, ...] = ()

    def hear(self, word: Word | None) -> None:
        """Notes what it said, and when that was first seen."""
        if word is not None and word != self.word:
            if self.word is not None and word.life != self.word.life:
                self.tasks = ()  # it may be on another machine now
            self.word, self.heard = word, time.monotonic()
            if errand := self.errand:
                self.begun |= (word.life, word.working) == (errand.life, errand.number)

    @property
    def barren(self) -> bool:
        """Whether it has not started, or was given units and ended none."""
        return not self.ended and (self.word is None or self.given > 0)


class Dispatch:
    """Drains a queue by pilots.

    Args:
        queue: The units.
        workers: How many may be worked on at once.
        mail: The run's folder.
        fleet: The jobs.
        jobs: How many there are at most at a time.
        pilots: How many each has.
        patience: Seconds without a sign of life after which a unit is taken from its pilot.
    """

    def __init__(
        self,
        queue: UnitQueue,
        workers: int,
        mail: Mail,
        fleet: Fleet,
        *,
        jobs: int,
        pilots: int,
        patience: float,
    ) -> None:
        self._queue, self._workers = queue, workers
        self._mail, self._fleet, self._patience = mail, fleet, patience
        self._jobs, self._pilots_a_job = jobs, pilots
        self._pilots: dict[int, _Pilot] = {}
        self._waiting: deque[str] = deque()
        self._errands = 0
        self._alive: set[str] = set()
        self._buried: set[str] = set()
        self._barren, self._most_barren = 0, max(jobs, 3)
        self._beaten = time.monotonic()

    def drain(self) -> bool:
        """Goes on until nothing is open.

        Returns:
            False where no job lives and none is worth submitting: the units left have failed.
        """
        self._submit()
        pause = _FAST
        while self._queue.open:
            self._alive = self._fleet.alive()
            moved = [self._hear(number, pilot) for number, pilot in self._pilots.items()]
            moved.append(self._give())
            if not self._queue.open:
                break
            self._replace()
            if not self._alive and self._waiting:
                self._queue.abandon(self._why_none_lives())
                return False
            if time.monotonic() - self._beaten > _BEAT:
                self._mail.beat()
                self._beaten = time.monotonic()
            time.sleep(pause)
            pause = _FAST if any(moved) else min(pause * 1.2, _SLOW)
        return True

    def _hear(self, number: int, pilot: _Pilot) -> bool:
        """Takes note of what a pilot says, or no longer says; whether that changed anything."""
        if pilot.errand is None and pilot.job not in self._alive:
            return False
        pilot.hear(self._mail.word(number))
        errand, word = pilot.errand, pilot.word
        if errand is None or word is None:
            return False
        outcome = word.told()
        if outcome is not None and (word.life, word.ended) == (errand.life, errand.number):
            pilot.errand = None
            pilot.ended += 1
            self._barren = 0
            self._queue.finish(outcome)
            return True
        why = self._lost(pilot, word, errand)
        if why is None:
            return False
        pilot.errand = None
        if pilot.begun:
            reason = f"the pilot on {word.host} (job {pilot.job}) {why}"
            self._queue.finish(Outcome(errand.unit, "lost", reason, host=word.host))
        else:
            self._waiting.append(errand.unit)
        return True

    def _lost(self, pilot: _Pilot, word: Word, errand: Errand) -> str | None:
        """Why a pilot will not end its errand; None where it may well."""
        if word.life != errand.life:
            return "was started anew"
        if word.gone:
            return word.gone
        if pilot.job not in self._alive:
            return "ended with its job"
        silence = time.monotonic() - pilot.heard
        return f"showed no life for {silence:.0f} s" if silence > self._patience else None

    def _give(self) -> bool:
        """Gives units to pilots that are free; whether any was given."""
        given = False
        for number, pilot in self._pilots.items():
            if self._free(pilot) and pilot.word is not None:
                unit = self._next(pilot.tasks)
                if unit is None:
                    break
                self._errands += 1
                about = self._queue[unit]
                pilot.errand = Errand(pilot.word.life, self._errands, unit, about.timeout)
                pilot.begun, given = False, True
                pilot.given += 1
                pilot.tasks = (about.task, *(t for t in pilot.tasks if t != about.task))
                self._mail.give(number, pilot.errand)
        return given

    def _free(self, pilot: _Pilot) -> bool:
        word = pilot.word
        return (
            pilot.errand is None
            and word is not None
            and not (word.working or word.gone)
            and pilot.job in self._alive
            and time.monotonic() - pilot.heard < self._patience
        )

    def _next(self, near: tuple[str, ...] = ()) -> str | None:
        """A unit that can be done now, of these tasks first."""
        if self._waiting:
            return self._waiting.popleft()
        if self._in_hand() >= self._workers:
            return None
        return self._queue.take(near=near)

    def _in_hand(self) -> int:
        busy = sum(pilot.errand is not None for pilot in self._pilots.values())
        return busy + len(self._waiting)

    def _replace(self) -> None:
        """Submits jobs anew that have ended, where a unit waits for one.

        After as many jobs in a row that ended no unit as there may be at a time, or three, none is
        submitted any more: what is wrong with them is wrong with the next.
        """
        for job in {pilot.job for pilot in self._pilots.values()} - self._alive - self._buried:
            self._buried.add(job)
            its = [pilot for pilot in self._pilots.values() if pilot.job == job]
            self._barren += all(pilot.barren for pilot in its)
        if len(self._alive) >= self._jobs or any(map(self._free, self._pilots.values())):
            return
        if not self._waiting and (unit := self._next()) is not None:
            self._waiting.append(unit)
        if self._waiting and self._barren < self._most_barren:
            try:
                self._submit()
            except UsageError:
                if not self._alive:
                    raise
                self._barren = self._most_barren  # those that live go on by themselves

    def _why_none_lives(self) -> str:
        said = self._fleet.last_words() or "they left no message"
        return (
            f"the last {self._barren} jobs ended before they had finished a unit: {said}; their "
            f"logs are in {self._fleet.log}, which compute nodes must see"
        )

    def _submit(self) -> None:
        """Submits as many jobs as there are too few, and have something to do."""
        wanted = min(self._workers, len(self._queue)) - self._in_hand() + len(self._waiting)
        count = min(-(-wanted // self._pilots_a_job), self._jobs - len(self._alive))
        if count > 0:
            self._fleet.submit(count)
            for number, job in self._fleet.jobs.items():
                self._pilots.setdefault(number, _Pilot(job))
            self._alive = self._fleet.alive()
