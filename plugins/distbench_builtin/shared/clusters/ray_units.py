"""Units on their way through a Ray cluster, and the nodes that there are for them."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from distbench import Outcome, Unit, UnitQueue
from distbench_builtin.shared.clusters.crew import Assignment, work_on
from distbench_builtin.shared.clusters.engines import Patience, said
from distbench_builtin.shared.clusters.near import Near

_CALLS = 1000
"""Units after which Ray replaces a process; unless told it starts one for every GPU task."""
_WAIT = 1.0
"""Seconds after which the cluster is looked at again: nodes come and go."""
_AHEAD = 2
"""Tasks that are handed to Ray for each that it has room for; those that wait make a cluster grow
that can."""


class Nodes:
    """What the nodes that are there have, by the name of a resource."""

    def __init__(self, ray: Any) -> None:
        self._resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]

    def most(self, resource: str) -> float:
        """What a single node has."""
        return max((node.get(resource, 0.0) for node in self._resources), default=0.0)

    def total(self, resource: str) -> float:
        """What all have."""
        return float(sum(node.get(resource, 0.0) for node in self._resources))


class Dispatch:
    """Units of a queue on their way through a cluster.

    Args:
        queue: The units.
        ray: Ray, connected.
        patience: Seconds without any node for a unit after which the run gives up.
        grows: Whether tasks that wait make the cluster grow: then Ray is handed more than it has
            room for, and whichever has waited longest goes where room is, wherever its images lie.
    """

    def __init__(self, queue: UnitQueue, ray: Any, patience: float, *, grows: bool) -> None:
        self._queue, self._ray, self._seconds, self._grows = queue, ray, patience, grows
        self._run = uuid.uuid4().hex
        # What ends with its process is lost, and the queue says how often it is tried.
        self._task = ray.remote(max_calls=_CALLS, max_retries=0)(work_on)
        self._flying: dict[Any, str] = {}
        self._landed: SimpleQueue[tuple[Any, Future[Any]]] = SimpleQueue()
        self._near = Near()

    def drain(self) -> None:
        patience = Patience(self._seconds)
        try:
            while self._queue.open:
                nodes = Nodes(self._ray)
                self._send(nodes)
                if patience.ends(there=self._receive() or self._placed(nodes)):
                    self._queue.abandon(
                        f"there was no node of the Ray cluster for it for {self._seconds:g} s"
                    )
        finally:
            for reference in self._flying:
                with suppress(Exception):  # that of a node that is gone
                    self._ray.cancel(reference, force=True)

    def _receive(self) -> bool:
        """Waits a moment for units to end and reports them; whether any did.

        Not by `ray.wait`, which makes another error of a signal that arrives meanwhile.
        """
        try:
            reference, future = self._landed.get(timeout=_WAIT)
        except Empty:
            return False
        outcome = _outcome(self._ray, self._flying.pop(reference), future)
        self._near.ended(self._queue[outcome.unit].task, outcome.host)
        self._queue.finish(outcome)
        return True

    def _send(self, nodes: Nodes) -> None:
        """Hands out as many units as Ray is to have at a time."""
        most = self._most(nodes)
        while len(self._flying) < most:
            if (id := self._queue.take(near=() if self._grows else self._near.tasks)) is None:
                return
            self._near.sent()
            task = self._task.options(**self._takes(self._queue[id], nodes))
            reference = task.remote(Assignment.of(self._run, self._queue, id))
            self._flying[reference] = id
            reference.future().add_done_callback(partial(self._land, reference))

    def _most(self, nodes: Nodes) -> float:
        """As many units as nodes have room for; where they grow some more, which Ray keeps."""
        if self._queue.workers is not None:
            return self._queue.workers
        if self._grows:
            return _AHEAD * max(nodes.total("CPU"), 1)
        gpus = 0.0 if self._queue.device == "cpu" else nodes.total("GPU")
        return max(gpus or nodes.total("CPU") // self._queue.threads, 1)

    def _land(self, reference: Any, future: Future[Any]) -> None:
        self._landed.put((reference, future))

    def _takes(self, unit: Unit, nodes: Nodes) -> dict[str, float]:
        """What Ray keeps for a unit: no more CPUs than any node has, or it would wait for ever."""
        cpus = min(unit.resources.cpus, nodes.most("CPU") or unit.resources.cpus)
        named = self._queue.device.startswith("cuda")
        on_gpu = nodes.most("GPU") > 0 or named
        return {"num_cpus": cpus, "num_gpus": unit.resources.gpus if on_gpu else 0}

    def _placed(self, nodes: Nodes) -> bool:
        """Whether there are nodes that can compute any of the units handed out."""
        asked = [self._takes(self._queue[unit], nodes) for unit in self._flying.values()]
        cpus, gpus = nodes.most("CPU"), nodes.most("GPU")
        return any(one["num_cpus"] <= cpus and one["num_gpus"] <= gpus for one in asked)


def _outcome(ray: Any, unit: str, future: Future[Any]) -> Outcome:
    try:
        outcome = future.result()
    except ray.exceptions.RayTaskError as error:  # the process could not even begin
        return Outcome(unit, "failed", said(error.cause))
    except ray.exceptions.RayError as error:
        return Outcome(unit, "lost", f"Ray lost it: {said(error)}")
    return outcome if isinstance(outcome, Outcome) else Outcome(unit, "failed", "no outcome came")
