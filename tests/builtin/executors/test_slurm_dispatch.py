"""Units and pilots: who gets what, and what becomes of a unit whose pilot is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from distbench import Outcome, Unit, UnitQueue, this_machine
from distbench_builtin.shared.pilots import dispatch, fleet
from distbench_builtin.shared.pilots.dispatch import Dispatch
from distbench_builtin.shared.pilots.mail import Mail, Run, Word, started


class Acted:
    """A fleet whose pilots are acted by the test, once at every look."""

    def __init__(self, mail: Mail, act: Callable[[Acted], None]) -> None:
        self.mail, self._act = mail, act
        self.jobs: dict[int, str] = {}
        self.lives: set[str] = set()
        self.words: dict[int, Word] = {}
        self.log = mail.folder / "log"

    def submit(self, count: int) -> None:
        for number in range(len(self.jobs), len(self.jobs) + count):
            self.jobs[number] = f"job{number}"
            self.lives.add(f"job{number}")

    def alive(self) -> set[str]:
        if self.jobs:
            self._act(self)
        return set(self.lives)

    def last_words(self) -> str:
        return "ModuleNotFoundError: No module named 'distbench'"

    def say(self, number: int, **news: Any) -> None:
        word = self.words.get(number, Word(f"life{number}", "n1"))
        self.words[number] = replace(word, beat=word.beat + 1, **news)
        self.mail.say(number, self.words[number])

    def begin(self, number: int) -> str | None:
        """Shows that a pilot is there and takes up what it was given, if anything."""
        self.say(number)
        errand, word = self.mail.errand(number), self.words[number]
        if errand is None or errand.life != word.life or errand.number <= word.ended:
            return None
        if not word.working:
            self.say(number, working=errand.number)
        return errand.unit

    def work(self, number: int) -> None:
        if unit := self.begin(number):
            ended = self.words[number].working
            self.say(number, working=0, ended=ended, outcome=asdict(Outcome(unit, "done")))


@pytest.fixture
def drained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Drains a queue by acted pilots; gives the outcomes and what `drain` returned."""
    monkeypatch.setattr(dispatch, "_FAST", 0.01)
    monkeypatch.setattr(dispatch, "_SLOW", 0.01)

    def drain(
        units: list[Unit], act: Callable[[Acted], None], **options: Any
    ) -> tuple[list[Outcome], bool, Acted]:
        mail = Mail(tmp_path / "distbench-x")
        mail.open(Run("distbench-x", "plan.json", 1, {}, "elsewhere", 1, "1", "slurm"))
        outcomes: list[Outcome] = []
        queue = UnitQueue(units, Path("plan.json"), workers=2, on_outcome=outcomes.append)
        acted = Acted(mail, act)
        options = {"jobs": 2, "pilots": 1, "patience": 0.3, **options}
        well = Dispatch(queue, 2, mail, acted, **options).drain()  # type: ignore[arg-type]
        return outcomes, well, acted

    return drain


def endings(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.unit, outcome.status) for outcome in outcomes]


def test_all_units_are_done_in_order(drained: Any) -> None:
    units = [Unit("a"), Unit("b", needs=("a",)), Unit("c")]

    def act(cast: Acted) -> None:
        for number in cast.jobs:
            cast.work(number)

    outcomes, well, cast = drained(units, act)
    assert well
    assert {unit for unit, status in endings(outcomes) if status == "done"} == {"a", "b", "c"}
    assert list(cast.jobs) == [0, 1]


def test_a_pilot_gets_units_of_the_task_whose_images_it_has(drained: Any) -> None:
    units = [Unit(f"{task}{n}", task=task) for n in range(3) for task in "ab"]
    done: dict[int, str] = {0: "", 1: ""}

    def act(cast: Acted) -> None:
        for number in cast.jobs:
            if unit := cast.begin(number):
                done[number] += unit[0]
            cast.work(number)

    drained(units, act)
    assert sorted(done.values()) == ["aaa", "bbb"]


def test_a_silent_pilot_loses_its_unit_to_another(drained: Any) -> None:
    def act(cast: Acted) -> None:
        if 0 not in cast.words or cast.words[0].working == 0:
            cast.begin(0)
        cast.say(1)
        if cast.words[0].working:
            cast.work(1)

    outcomes, well, _ = drained([Unit("a")], act)
    assert well and endings(outcomes) == [("a", "lost"), ("a", "done")]
    assert "the pilot on n1 (job job0) showed no life for 0 s" in str(outcomes[0].reason)
    assert outcomes[0].host == "n1"


def test_a_unit_that_was_never_begun_is_not_lost(drained: Any) -> None:
    def act(cast: Acted) -> None:
        if 0 not in cast.words:
            cast.say(0)
        elif cast.mail.errand(0):
            cast.lives.discard("job0")
            cast.work(1)

    outcomes, well, _ = drained([Unit("a")], act, jobs=1, pilots=1)
    assert well and endings(outcomes) == [("a", "done")]


def test_a_pilot_of_a_requeued_job_starts_anew(drained: Any) -> None:
    def act(cast: Acted) -> None:
        if cast.words.get(0) is None:
            cast.say(0)
        elif cast.words[0].life == "life0":
            if cast.begin(0) is not None:
                cast.heard = getattr(cast, "heard", 0) + 1  # type: ignore[attr-defined]
                if cast.heard > 2:  # type: ignore[attr-defined]
                    cast.words[0] = Word("another", "n2")
                    cast.say(0)
        else:
            cast.work(0)

    outcomes, well, _ = drained([Unit("a")], act)
    assert well and endings(outcomes) == [("a", "lost"), ("a", "done")]
    assert "was started anew" in str(outcomes[0].reason)


def test_jobs_that_reach_their_time_are_submitted_again(drained: Any) -> None:
    """Each does two units and ends."""
    units = [Unit(f"u{n}") for n in range(9)]
    did: dict[int, int] = {}

    def act(cast: Acted) -> None:
        for number, job in list(cast.jobs.items()):
            if job in cast.lives:
                did[number] = did.get(number, 0) + (cast.begin(number) is not None)
                cast.work(number)
                if did[number] == 2:
                    cast.lives.discard(job)

    outcomes, well, cast = drained(units, act)
    assert well and [status for _, status in endings(outcomes)].count("done") == 9
    assert 4 <= len(cast.jobs) <= 6


def test_jobs_that_never_do_anything_end_the_run(drained: Any) -> None:
    def act(cast: Acted) -> None:
        cast.lives.clear()

    outcomes, well, cast = drained([Unit("a"), Unit("b", needs=("a",))], act)
    assert not well and endings(outcomes) == [("a", "failed"), ("b", "failed")]
    assert "ended before they had finished a unit: ModuleNotFoundError" in str(outcomes[0].reason)
    assert len(cast.jobs) <= 4


def test_what_a_killed_driver_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE)
    assert ended.stdout is not None and ended.stdout.read()
    while started(ended.pid):  # nobody has asked how it ended, so it is still in the list
        time.sleep(0.01)
    here, runs = this_machine(), tmp_path / "pilots"
    for name, machine, pid in (
        ("killed", here, ended.pid),
        ("lives", here, os.getpid()),
        ("elsewhere", "another", 1),
        ("long ago", "another", 1),
    ):
        about = Run(name, "plan.json", 1, {}, machine, pid, started(pid) or "1", "slurm")
        Mail(runs / name).open(about)
    ended.communicate()
    os.utime(runs / "long ago" / "driver.json", (0, 0))
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(fleet, "_command", lambda *words: asked.append(words))
    fleet.end_what_was_left(runs)
    assert sorted(left.name for left in runs.glob("*")) == ["elsewhere", "lives"]
    assert asked == [("scancel", "--name=killed")]


def test_jobs_that_were_requeued_are_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit", reason="needs the extra slurm")
    run = Run("distbench-x", "plan.json", 1, {}, "elsewhere", 1, "1", "slurm")
    mail = Mail(tmp_path / run.name)
    mail.open(run)
    jobs = fleet.Fleet(mail, run, "local", 1, {})
    monkeypatch.setattr(jobs, "_cluster", "slurm")
    jobs.jobs = {0: "7_0", 1: "7_1", 2: "7_2"}
    for pilot in (0, 2):
        mail.say(pilot, Word(f"life{pilot}", "n1"))
    asked = []

    def command(*words: str) -> str:
        asked.append(words)
        return "7_0 BeginTime\n7_1 BeginTime\n7_2 None\n"

    monkeypatch.setattr(fleet, "_command", command)
    assert jobs.alive() == {"7_0", "7_1", "7_2"}
    assert asked[1:] == [("scontrol", "update", "JobId=7_0", "StartTime=now")]
