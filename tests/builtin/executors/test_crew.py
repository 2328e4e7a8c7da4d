"""Which worker process of a node a unit is given to, and when one is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from distbench import Outcome
from distbench_builtin.shared.clusters import crew as crew_module
from distbench_builtin.shared.clusters.crew import Assignment, Crew


class Process:
    """A worker process that is none: a unit called ``held`` lasts until it is killed."""

    made: list[Process] = []

    def __init__(self, plan_path: str, threads: int, environment: dict[str, str]) -> None:
        self.environment, self.alive, self.killed = environment, True, threading.Event()
        self.units: list[str] = []
        Process.made.append(self)

    def execute(self, unit: str, timeout: float | None) -> Outcome:
        self.units.append(unit)
        if unit == "held":
            assert self.killed.wait(10)
            return Outcome(unit, "lost")
        self.alive = unit != "deadly"
        return Outcome(unit, "done" if self.alive else "lost")

    def kill(self) -> None:
        self.alive = False
        self.killed.set()


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    monkeypatch.setattr(crew_module, "WorkerProcess", Process)
    monkeypatch.setattr(crew_module, "visible_gpus", list)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    Process.made = []
    return Process.made


def assignment(unit: str, *, run: str = "r", plan: str = "p", on_gpu: bool = False) -> Assignment:
    return Assignment(run, plan, unit, None, 1, on_gpu, {"DISTBENCH_HOME": "h"})


def test_a_process_is_used_again_until_it_dies(processes: list[Process]) -> None:
    crew = Crew()
    outcomes = [crew.execute(assignment(unit)).status for unit in ("a", "b", "deadly", "c")]
    assert outcomes == ["done", "done", "lost", "done"]
    assert [process.units for process in processes] == [["a", "b", "deadly"], ["c"]]
    assert processes[0].killed.is_set()
    assert processes[0].environment == {"DISTBENCH_HOME": "h"}


def test_one_that_died_between_two_units_loses_none(processes: list[Process]) -> None:
    crew = Crew()
    crew.execute(assignment("a"))
    processes[0].alive = False
    assert crew.execute(assignment("b")).status == "done"
    assert [process.units for process in processes] == [["a"], ["b"]]
    assert processes[0].killed.is_set()


def test_one_of_another_run_makes_room_where_its_plan_is_another(processes: list[Process]) -> None:
    crew = Crew()
    crew.execute(assignment("a", run="one"))
    crew.execute(assignment("b", run="two"))
    assert len(processes) == 1
    crew.execute(assignment("c", run="three", plan="other"))
    assert [process.killed.is_set() for process in processes] == [True, False]


def beside(crew: Crew, *work: Assignment) -> list[threading.Thread]:
    threads = [threading.Thread(target=crew.execute, args=(one,)) for one in work]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        until(lambda: sum("held" in p.units for p in Process.made) == number)  # noqa: B023
    return threads


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_units_beside_each_other_have_a_gpu_each(
    processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_module, "visible_gpus", lambda: ["0", "1"])
    crew = Crew()
    threads = beside(crew, *[assignment("held", on_gpu=True)] * 2)
    crew.dismiss("r")
    for thread in threads:
        thread.join(10)
    assert [p.environment["CUDA_VISIBLE_DEVICES"] for p in processes] == ["0", "1"]


def test_whoever_starts_the_process_chooses_its_gpu(
    processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray gives a task of the same process another GPU than the one before."""
    crew = Crew()
    for gpu in ("0", "0", "1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpu)
        crew.execute(assignment(gpu, on_gpu=True))
    assert [process.units for process in processes] == [["0", "0"], ["1"]]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    crew.execute(assignment("score"))
    assert len(processes) == 2


def test_a_run_that_is_dismissed_leaves_nothing(processes: list[Process]) -> None:
    crew = Crew()
    crew.execute(assignment("a", run="other", plan="q"))
    (thread,) = beside(crew, assignment("held"))
    crew.dismiss("r")
    thread.join(10)
    assert [process.killed.is_set() for process in processes] == [True, True]
    late = crew.execute(assignment("late"))
    assert (late.status, late.reason) == ("lost", "the run was ended")


def test_a_process_without_units_is_ended(
    processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_module, "IDLE", 0.05)
    crew = Crew()
    crew.execute(assignment("a"))
    until(processes[0].killed.is_set)
    crew.execute(assignment("b"))
    assert len(processes) == 2
