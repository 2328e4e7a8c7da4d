"""One unit after the other, in this process."""

from __future__ import annotations

from functools import partial

from distbench import Executor, UnitQueue, execute_unit


class Serial(Executor):
    """Computes one unit after the other in this process; the one to debug with."""

    def drain(self, queue: UnitQueue) -> None:
        """Executes units in the order in which they become ready."""
        while queue.open and (unit := queue.take()) is not None:
            on_news = partial(queue.tell, unit)
            queue.finish(execute_unit(queue.plan_path, unit, on_news=on_news))
