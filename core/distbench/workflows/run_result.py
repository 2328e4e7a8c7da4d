"""What a run leaves behind, for whoever called it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.analysis.board import Board
from distbench.planning.plan import Plan
from distbench.storage.frames import Tabular
from distbench.storage.predictions import Predictions, of_row
from distbench.storage.probabilities import of_run, probabilities
from distbench.storage.rows import Row
from distbench.workflows.results.row_columns import SHOWN, row_values


@dataclass(frozen=True, repr=False)
class RunResult(Tabular):
    """What a run leaves behind; a table of its cells in a notebook.

    Attributes:
        folder: The run's folder, ``runs/NAME``.
        plan: What was run.
        rows: The rows of its cells, in the order of the plan.
        planned: How many cells it has.
        board: The leaderboard; None while no cell is done.
        computed: How many cells were computed now; the others had been before.
        students: Shipped student by task, where students are kept.
        warnings: What a person should know, one line each.
    """

    shown: ClassVar = SHOWN

    folder: Path
    plan: Plan
    rows: tuple[Row, ...]
    planned: int
    board: Board | None
    computed: int
    students: dict[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """A line for each cell that has a row: how it ended, what it reached, what it cost."""
        yield from map(row_values, self.rows)

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows of cells that failed."""
        return tuple(row for row in self.rows if row.status == "failed")

    @property
    def exit_code(self) -> int:
        """0 done; 1 cells failed or are missing; 3 some because data or weights were refused."""
        if any(row.refused for row in self.failed):
            return 3
        return 1 if self.failed or len(self.rows) < self.planned else 0

    def predictions(self, row: Row) -> Predictions | None:
        """The class that the student of a row gave to each test image, in their order.

        Returns:
            int64 (m,); None where the row's cell is not done.

        Raises:
            UsageError: The run's folder no longer holds them.
        """
        return of_row(self.folder, row)

    def probabilities(self, row: Row) -> NDArray[np.float64] | None:
        """The probability that the student of a row gave to each class on each test image.

        Returns:
            float64 (m, c), each row summing to 1; None where none are kept: the cell is not done,
            has more than 1,000 classes, or was computed by a distbench that kept none.
        """
        logs = of_run(self.folder, row)
        return None if logs is None else probabilities(logs)
