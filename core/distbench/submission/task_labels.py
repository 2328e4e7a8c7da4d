"""The labels of a submission's tasks, where this machine has them without contacting any other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import DistbenchError
from distbench.interfaces.suite import SuiteDefinition
from distbench.interfaces.task import TaskIndex
from distbench.plugins import spec
from distbench.plugins.registry import Registry
from distbench.submission.manifest import PlanTask
from distbench.submission.no_network import without_network

_LARGEST = 1_000_000
"""Of the numbers in the name of a task that is no suite's; one may be how many images it draws."""


class TaskLabels:
    """Finds tasks by name, never by what a bundle says of where they lie.

    Args:
        names: The installed components.
        suite: The installed suite of the submission's name, if there is one.
    """

    def __init__(self, names: Registry, suite: SuiteDefinition | None) -> None:
        self._names = names
        self._suite = suite
        self._indices: dict[str, TaskIndex | str] = {}

    def task(self, planned: PlanTask) -> TaskIndex | str:
        """The index of a planned task, or why it is not at hand.

        A task of the suite is the suite's. Another one is made from its name where its parameters
        are numbers and switches: texts could be paths or addresses, which are not followed.
        """
        if planned.id not in self._indices:
            self._indices[planned.id] = self._index(planned)
        return self._indices[planned.id]

    def test_labels(self, planned: PlanTask, skipped: tuple[str, ...]) -> NDArray[np.int64] | str:
        """int64 (m,): the labels of the test images that were read, or why they are not known."""
        index = self.task(planned)
        if isinstance(index, str):
            return index
        part = index.parts["test"]
        if not skipped:
            return part.labels
        left_out = set(skipped)
        kept = [i for i in range(len(part.labels)) if part.names[i] not in left_out]
        return np.asarray(part.labels[kept], dtype=np.int64)

    def _index(self, planned: PlanTask) -> TaskIndex | str:
        entries = {entry.id: entry for entry in self._suite.tasks} if self._suite else {}
        try:
            if self._suite is not None and planned.id in entries:
                task = self._names.make(
                    "task", entries[planned.id].component(), base=self._suite.base
                )
            elif (simple := self._simple(planned.use)) is not None:
                task = self._names.make("task", simple)
            else:
                return "it is not found by name in an installed suite or plugin"
            with without_network():
                return task.index()
        except Exception as error:  # whatever a plugin does, the rest is still judged
            return str(error).partition("\n")[0][:200]

    def _simple(self, use: str) -> dict[str, Any] | None:
        """A task as a table, if its name is installed and its parameters are only numbers."""
        try:
            name, chief, params = spec.parse(use)
        except DistbenchError:
            return None
        if name not in self._names.names("task") or chief is not None:
            return None
        if not all(_number(value) for value in params.values()):
            return None
        return {"use": name, **params}


class NoLabels(TaskLabels):
    """Stands where no task is looked for."""

    def __init__(self) -> None:
        pass

    def task(self, planned: PlanTask) -> TaskIndex | str:
        """No index."""
        return "no task was looked for"


def _number(text: str) -> bool:
    """Whether a parameter is a switch, or a number that no task takes forever for."""
    try:
        return abs(float(text)) <= _LARGEST
    except ValueError:
        return text in ("true", "false")
