"""The rows of one plan: which cells are finished, which are missing, and how the others ended."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from distbench.engine.host import host
from distbench.engine.records.shared_cells import SharedCells
from distbench.engine.task_facts.same_pictures import same_picture_notes
from distbench.interfaces.component import Role
from distbench.interfaces.execution.unit import Outcome
from distbench.interfaces.reporter import Cell
from distbench.planning.plan import Plan
from distbench.storage.home import home
from distbench.storage.network.shared.store import shared_store
from distbench.storage.predictions import Predictions
from distbench.storage.probabilities import Logs
from distbench.storage.row_store import FINISHED, RowStore
from distbench.storage.rows import HOST, MethodBlock, Row, TaskBlock
from distbench.storage.safe_text import harmless_text

SEEN_AFTER = 60.0
"""Seconds after which a network's file system shows what another machine wrote."""


_LOOKED_AT = 200
"""Cells that tell what one takes; a plan may have a hundred thousand."""


class Ledger:
    """Reads and writes the rows of a plan under ``$DISTBENCH_HOME/cells``.

    Args:
        plan: The plan.
        root: ``$DISTBENCH_HOME``; found if None.
    """

    def __init__(self, plan: Plan, root: Path | None = None) -> None:
        self.plan = plan
        self.root = root or home()
        self.store = RowStore(self.root / "cells")
        shared = shared_store()
        self._shared = None if shared is None else SharedCells(self.store, self.student, shared)
        self._finished: dict[str, Row] = {}

    def row(self, cell: Cell) -> Row | None:
        """The row of a cell, if there is one."""
        row = self._finished.get(cell.key) or self.store.get(cell.key)
        if row is not None and row.status in FINISHED:
            self._finished[cell.key] = row
        return row

    def rows(self, cells: Iterable[Cell] | None = None) -> list[Row]:
        """All rows that there are, in the order of the plan."""
        rows = (self.row(cell) for cell in (self.plan.cells if cells is None else cells))
        return [row for row in rows if row is not None]

    def some_rows(self) -> list[Row]:
        """Rows that tell what a cell takes: of a large plan, those of its first cells."""
        return self.rows(self.plan.cells[:_LOOKED_AT])

    def predictions(self, row: Row) -> Predictions | None:
        """The test predictions of a row; None where its cell is not done."""
        return self.store.predictions(row.key) if row.status == "done" else None

    def logs(self, row: Row) -> Logs | None:
        """The logarithms of its test probabilities; None where none are kept."""
        return self.store.logs(row)

    def missing(self, cells: Iterable[Cell]) -> list[Cell]:
        """Cells that have to be computed: without a row, failed, or without the student to keep.

        What another machine has finished is brought here first.

        Raises:
            StoreError: A shared store is named and cannot be used.
        """
        cells = list(cells)
        unfinished = [cell for cell in cells if not self._is_finished(cell)]
        if self._shared is not None and unfinished:
            self._shared.bring([cell.key for cell in unfinished])
            unfinished = [cell for cell in unfinished if not self._is_finished(cell)]
        lacking = {
            cell.key: cell
            for cell in cells
            if self.plan.save_student
            and (row := self._finished.get(cell.key)) is not None
            and row.status == "done"
            and not self.student(cell.key).is_file()
        }
        if self._shared is not None and lacking:
            for key in self._shared.with_student(lacking):
                lacking.pop(key, None)
        again = {cell.key for cell in unfinished} | lacking.keys()
        return [cell for cell in cells if cell.key in again]

    def share(self, cells: Iterable[Cell]) -> None:
        """Puts finished cells into the shared store that are missing there; nothing without one.

        Raises:
            StoreError: It cannot be used.
        """
        if self._shared is not None:
            keys = [cell.key for cell in cells if self._is_finished(cell)]
            self._shared.share(keys, students=self.plan.save_student)

    def computed_elsewhere(self, cell: Cell) -> bool:
        """Whether another machine has finished a cell meanwhile; False without a shared store.

        Raises:
            StoreError: It cannot be used.
        """
        known = self._shared is None or self._is_finished(cell)
        return not known and not self.missing([cell])

    def arrived(self, cell: Cell) -> Row | None:
        """The row of a cell that is said to be finished, brought here from the shared store.

        Raises:
            StoreError: A shared store is named and cannot be used.
        """
        if self._shared is not None and not self._is_finished(cell):
            self._shared.bring([cell.key])
        return self.row(cell)

    def keep(self, row: Row, predictions: Predictions | None, logs: Logs | None) -> str | None:
        """Stores what was computed, here and in the shared store.

        Returns:
            What a person should know, where another machine was first and has another result.

        Raises:
            StoreError: The shared store cannot be used; the row is kept here.
            OSError: No space, no permission.
        """
        self.store.put(row, predictions, logs)
        if self._shared is None or row.status not in FINISHED:
            return None
        return self._shared.offer(row.key, student=self.plan.save_student)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of rows that were looked for."""
        damaged = len(self._shared.damaged) if self._shared is not None else 0
        if not damaged:
            return ()
        what = "1 row" if damaged == 1 else f"{damaged} rows"
        return (f"{what} of the shared store, altered or of other cells, could not be taken",)

    def _is_finished(self, cell: Cell) -> bool:
        row = self.row(cell)
        return row is not None and row.status in FINISHED

    def student(self, key: str) -> Path:
        """Where the weights of a cell's trained student are kept, if they are, on this machine."""
        return self.root / "students" / key[:2] / f"{key}.safetensors"

    def kept_student(self, key: str) -> Path | None:
        """The weights of a cell's trained student, brought here if need be; None if not kept.

        Raises:
            StoreError: A shared store is named and cannot be used.
        """
        path = self.student(key)
        if self._shared is not None and not path.is_file():
            self._shared.bring_student(key)
        return path if path.is_file() else None

    def blank(self, cell: Cell, notes: Sequence[str] = (), **more: Any) -> Row:
        """A row that says what the cell is, with whatever else is known of how it ended.

        Args:
            cell: The cell.
            notes: What a reader should know of its data besides what holds for all methods.
            more: Other fields of the row.
        """
        task, method = self.plan.task(cell.task), self.plan.method(cell.method)
        return Row(
            key=cell.key,
            method=MethodBlock(
                id=method.id, role=cast(Role, method.role), components=method.identities
            ),
            task=TaskBlock(
                id=task.id,
                use=task.label,
                fingerprint=task.fingerprint,
                classes=task.classes,
                notes=(*task.notes, *same_picture_notes(self.plan, task, self.root), *notes),
                flip=task.flip,
            ),
            seed=cell.seed,
            suite=self.plan.suite,
            suite_version=self.plan.suite_version,
            protocol=self.plan.protocol.of_a_cell(),
            student=self.plan.student_identity,
            zoo=self.plan.zoo_identity if method.uses_sources else None,
            plugins=self.plan.distributions,
            **more,
        )

    def fail(self, cell: Cell, outcome: Outcome) -> Row:
        """Stores that a cell failed; it is tried again by the next run."""
        row = self.blank(
            cell,
            status="failed",
            reason=_kept(outcome.reason),
            traceback=_kept(outcome.traceback),
            refused=outcome.refused,
            environment={HOST: outcome.host} if outcome.host else {},
        )
        self.store.put(row)
        return row


def row_of(ledger: Ledger, cell: Cell, outcome: Outcome) -> Row:
    """The row of a cell that ended, by an executor's word for it: stored now where it failed.

    A cell that is said to be done and has no row was computed somewhere else: that is a failure,
    which names both places. Where another machine wrote it the row may be seen a little later, or
    is in the shared store.
    """
    if outcome.status != "done":
        return ledger.fail(cell, outcome)
    until = time.monotonic() + (SEEN_AFTER if outcome.host not in ("", host()) else 0.0)
    while (row := ledger.arrived(cell)) is None and time.monotonic() < until:
        time.sleep(0.5)
    if row is not None:
        return row
    there = f"on {outcome.host or 'another machine'}, where $DISTBENCH_HOME is {outcome.home}"
    reason = (
        f"its row is not in {ledger.root}: it was computed {there}. Both must be the same folder, "
        "or both machines name one DISTBENCH_STORE; an executor hands over queue.environment"
    )
    return ledger.fail(cell, replace(outcome, status="failed", reason=reason))


def _kept(text: str | None) -> str | None:
    """What an exception said, as it is kept."""
    return None if text is None else harmless_text(text)
