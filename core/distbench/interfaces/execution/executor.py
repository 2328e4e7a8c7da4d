"""The contract of executors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    from distbench.interfaces.execution.unit_queue import UnitQueue


class Executor(Component, ABC):
    """Gets the units of a plan computed."""

    @property
    def here(self) -> bool:
        """Whether it computes on the machine that starts the run, whose devices and memory count.

        False for what hands units to other machines: a login node need not have a GPU.
        """
        return True

    def ready(self) -> None:
        """Looks whether units could be computed now; called before the work begins.

        Raises:
            UsageError: They could not: a library is not installed, nothing answers at an address.
        """

    def gpus_a_unit(self, device: str) -> int:
        """How many GPUs a unit takes that computes on one.

        Args:
            device: As ``--device`` names it: ``auto``, ``cpu``, ``cuda``, ...
        """
        from distbench.storage.system.machine import visible_gpus

        return int(device.startswith("cuda") or (device == "auto" and bool(visible_gpus())))

    def capacity(self, device: str, threads: int) -> int | None:
        """How many units it works on at once where ``--workers`` says nothing.

        Args:
            device: As ``--device`` names it.
            threads: CPU threads of a unit.

        Returns:
            None where it knows that only once it has begun.
        """
        return 1

    @abstractmethod
    def drain(self, queue: UnitQueue) -> None:
        """Takes units from the queue until none is left, and reports how each one ended.

        A unit is executed with ``distbench.execute_unit(queue.plan_path, unit, queue.environment)``
        in any process of any machine that sees the plan file; nothing else is handed over. That
        function can be pickled by its name. A unit whose process or machine is gone is reported as
        ``lost``; the queue hands it out again, or fails it where that happened too often.
        """
