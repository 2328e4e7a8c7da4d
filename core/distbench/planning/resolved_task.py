"""A task of a run whose name has become a component, and what it says of its images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from distbench.errors import PluginError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.task import Task, TaskIndex
from distbench.planning.index_checks import index_finding
from distbench.plugins.component_identity import Identified


@dataclass(frozen=True)
class ResolvedTask:
    """A task of a run.

    Attributes:
        id: What it is called in this run.
        seen_by: Data sets that hold its images, as its entry says.
        task: The component.
        flip: Whether its images may be mirrored, as its entry says, or over it the run.
        group: Name that it shares with tasks of the same data, or its own.
        measure: What methods are compared by on it, as one types it; empty for the usual one.
    """

    id: str
    seen_by: tuple[str, ...]
    task: Identified[Task]
    flip: bool = True
    group: str = ""
    measure: str = ""

    @cached_property
    def index(self) -> TaskIndex:
        """What the task says of its images; asked once.

        Raises:
            DataError: The data cannot be used.
            PluginError: As `index_of` does.
        """
        return index_of(self.task.component)


def index_of(task: Task) -> TaskIndex:
    """What a task says of its images.

    Raises:
        PluginError: It raises, or gives what is no index, or one whose parts, labels, names and
            groups do not go together.
    """
    with naming(task.name, "index"):
        index = instance(task.name, "index", task.index(), TaskIndex)
        wrong = index_finding(index)
    if wrong:
        raise PluginError(task.name, f"index: {wrong[0]}; {wrong[1]}")
    return index
