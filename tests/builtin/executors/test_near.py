"""Units are given to whoever has their images: counted by who gets which."""

from __future__ import annotations

import concurrent.futures
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench import Outcome, Resources, Unit, UnitQueue
from distbench_builtin.executors import local
from distbench_builtin.executors.local import Local
from distbench_builtin.shared.clusters.dask_units import Dispatch, Workers
from distbench_builtin.shared.clusters.near import Near
from distbench_builtin.shared.clusters.ray_units import Dispatch as RayDispatch
from distbench_builtin.shared.clusters.ray_units import Nodes


def queue_of(units: list[Unit], **options: Any) -> UnitQueue:
    return UnitQueue(units, Path("plan.json"), **options)


def test_a_host_is_near_what_it_had_last() -> None:
    near = Near()
    assert near.tasks == ()
    for task in "abca":
        near.ended(task, "node")
        near.sent()
    near.ended("b", "other")
    near.ended("d", "")  # nobody knows where: it was lost
    near.ended("b", "node")
    assert near.tasks == ("b",)
    near.sent()
    assert near.tasks == ("b", "a", "c")
    near.sent()
    assert near.tasks == ()


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


class Ray:
    """A Ray of two nodes with a GPU each, which begin when both have a unit, if they do at all."""

    def __init__(self, *, works: bool) -> None:
        self._works, self._idle = works, ["x", "y"]
        self._waiting: list[tuple[Reference, str]] = []
        self.given: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: list[dict[str, Any]] = []

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}} for _ in "xy"]

    def remote(self, *function: object, **options: Any) -> Any:
        return (lambda function: self) if not function else self._begin(*function)

    def options(self, **asked: Any) -> Ray:
        self.asked.append(asked)
        return self

    def _begin(self, work: Any) -> Reference:
        reference = Reference()
        self._waiting.append((reference, work.unit))
        if self._works and len(self._waiting) == 2:
            for landed, unit in [self._waiting.pop(0) for _ in self._idle]:
                self._end(landed, unit)
        return reference

    def _end(self, reference: Reference, unit: str) -> None:
        host = self._idle.pop(0)
        self.given[host].append(unit)
        reference.ended.set_result(Outcome(unit, "done", host=host))
        self._idle.append(host)


class Reference:
    def __init__(self) -> None:
        self.ended: concurrent.futures.Future[Outcome] = concurrent.futures.Future()

    def future(self) -> concurrent.futures.Future[Outcome]:
        return self.ended


@pytest.mark.parametrize(
    ("device", "grows", "tasks"), [("auto", False, 2), ("cpu", False, 4), ("cpu", True, 16)]
)
def test_ray_is_handed_what_it_has_room_for(device: str, grows: bool, tasks: int) -> None:
    takes = Resources(cpus=2, gpus=int(device == "auto"))
    units = [Unit(f"{n}", task="a", resources=takes) for n in range(30)]
    ray = Ray(works=False)
    queue = queue_of(units, workers=None, device=device, threads=takes.cpus)
    RayDispatch(queue, ray, 10, grows=grows)._send(Nodes(ray))
    assert ray.asked == [{"num_cpus": 2, "num_gpus": takes.gpus}] * tasks


def test_ray_sends_units_to_the_host_that_has_their_images() -> None:
    names = ("a0", "b0", "b1", "a1", "a2", "b2")
    units = [Unit(name, task=name[0], resources=Resources(gpus=1)) for name in names]
    ray = Ray(works=True)
    RayDispatch(queue_of(units, workers=None), ray, 10, grows=False).drain()
    assert ray.given == {"x": ["a0", "a1", "a2"], "y": ["b0", "b1", "b2"]}


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
