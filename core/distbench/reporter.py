"""The contract of reporters: what is told of a run, when, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distbench.component import Component

if TYPE_CHECKING:
    from pathlib import Path

    from distbench.plan import Cell
    from distbench.reporting import RunFacts
    from distbench.results import Row


class Reporter(Component):
    """Listens to a run; every call is optional and none can change a result.

    The calls come from the process that runs, in the order in which they stand here; `check` and
    then `started` first, `finished` or `stopped` last. A cell is told of once a run, by its row:
    by `cell_cached` if it had been finished before, else by `cell_finished` or `cell_failed` when
    it ends. A row has a `key` that stays the same however often a run is resumed: a reporter that
    keeps records knows by it which it has already, and what `cell_failed` may be tried again.

    An exception in a reporter is shown as a warning, and the run goes on without it; only what
    `check` raises stops a run, before anything is computed.
    """

    def check(self) -> None:
        """Looks whether it can work: packages, folders, servers.

        Raises:
            UsageError: It cannot; says what to do.
        """

    def started(self, run: RunFacts) -> None:
        """A run begins, or is resumed."""

    def cell_cached(self, row: Row) -> None:
        """A cell of the run had been finished before, perhaps by another run."""

    def cell_started(self, cell: Cell) -> None:
        """A cell is handed to a worker."""

    def cell_finished(self, row: Row) -> None:
        """A cell ended: it is done, declined or skipped."""

    def cell_failed(self, row: Row) -> None:
        """A cell failed; why is in `row.reason`, and the next run tries it again."""

    def finished(self, folder: Path) -> None:
        """The run is over, and its rows and tables lie in its folder."""

    def stopped(self, reason: str) -> None:
        """The run was interrupted, or the machine failed; cells that had started did not end."""
