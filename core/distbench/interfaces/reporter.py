"""The contract of reporters: the facts of a run and its cells, and the order of the calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    from distbench.storage.rows import Row


@dataclass(frozen=True)
class Cell:
    """One method on one task with one seed."""

    id: str
    key: str
    task: str
    method: str
    seed: int
    needs: tuple[str, ...] = ()


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


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a reporter is told of a run as it starts.

    Attributes:
        name: Of the run, or of its slice.
        folder: Where its rows and tables will lie.
        suite: Name of the suite.
        suite_version: Its version.
        protocol: The protocol in force.
        student: Identity of the student and its initial weights.
        zoo: Name of the zoo and a digest of its sources; None where no method uses any.
        tasks: Ids of the tasks.
        methods: Ids of the methods.
        seeds: The seeds.
        cells: How many cells it has.
        missing: How many of them are to be computed now.
    """

    name: str
    folder: Path
    suite: str
    suite_version: int
    protocol: dict[str, Any]
    student: dict[str, Any]
    zoo: str | None
    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    cells: int
    missing: int
