"""One unit after the other, in this process."""

from __future__ import annotations

from distbench import Executor, UnitQueue, execute_unit


class Serial(Executor):
    """Computes one unit after the other in this process; the one to debug with."""

    def drain(self, queue: UnitQueue) -> None:
        """Executes units in the order in which they become ready."""
        while queue.open and (unit := queue.take()) is not None:
            queue.finish(execute_unit(queue.plan_path, unit))
