"""Units are given to whoever has their images: counted by who gets which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench import Outcome, Unit, UnitQueue
from distbench_builtin.executors import local
from distbench_builtin.executors.local import Local
from distbench_builtin.shared.clusters.dask_units import Dispatch, Workers
from distbench_builtin.shared.clusters.near import Near


def queue_of(units: list[Unit], **options: Any) -> UnitQueue:
    return UnitQueue(units, Path("plan.json"), **options)


def test_a_host_is_near_what_it_had_last() -> None:
    near = Near()
    for task in "abca":
        near.given(task, "node")
    assert (near.to("node"), near.to("other")) == (("a", "c", "b"), ())


class Future:
    """A unit that is done at once, by the worker that is idle."""

    status = "finished"

    def __init__(self, unit: str, host: str, idle: list[str]) -> None:
        self._unit, self._host, self._idle = unit, host, idle

    def add_done_callback(self, told: Callable[[Future], None]) -> None:
        told(self)

    def result(self, timeout: float) -> Outcome:
        self._idle.append(self._host)
        return Outcome(self._unit, "done", host=self._host)


class Client:
    """A client of a Dask cluster that gives units to idle workers, in the order of their names."""

    status = "running"

    def __init__(self, hosts: str) -> None:
        self._hosts, self._idle = hosts, list(hosts)
        self.given: defaultdict[str, list[str]] = defaultdict(list)

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": {host: {"host": host, "nthreads": 1} for host in self._hosts}}

    def submit(self, function: object, work: Any, **_: Any) -> Future:
        host = self._idle.pop(0)
        self.given[host].append(work.unit)
        return Future(work.unit, host, self._idle)


def test_dask_sends_units_to_the_host_that_has_their_images() -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    units = [Unit(name, task=name[0]) for name in ("a0", "b0", "b1", "a1", "a2", "b2")]
    client = Client("xy")
    Dispatch(queue_of(units, workers=None), Workers(client), 10).drain()
    assert client.given == {"x": ["a0", "a1", "a2"], "y": ["b0", "b1", "b2"]}


def test_local_goes_on_with_a_task_whose_images_are_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = []

    class Process:
        alive = True

        def __init__(self, *about: object) -> None:
            pass

        def execute(self, unit: str, timeout: float | None, on_news: Any = None) -> Outcome:
            order.append(unit)
            return Outcome(unit, "done")

        def kill(self) -> None:
            pass

    monkeypatch.setattr(local, "WorkerProcess", Process)
    units = [Unit(f"prepare {task}", task=task) for task in "ab"]
    units += [Unit(f"embed {task}", needs=(f"prepare {task}",), task=task) for task in "ab"]
    Local().drain(queue_of(units))
    assert order == ["prepare a", "embed a", "prepare b", "embed b"]
