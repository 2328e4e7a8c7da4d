"""Finished cells, and their students, shared by machines that have no common folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from distbench.storage.atomic import write_atomic
from distbench.storage.network.shared.store import SharedStore
from distbench.storage.row_store import RowStore, is_cell

_ROWS, _STUDENTS = "rows", "students"
_WEIGHTS = "model.safetensors"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class SharedCells:
    """The cells of a store of this machine, and of the one that it shares with others.

    Args:
        rows: Those of this machine.
        student: Where the student of a cell is kept here.
        store: The shared one.

    Raises:
        StoreError: By any method, where the shared store cannot be used; nothing that is here is
            lost by it.

    Attributes:
        damaged: Keys of cells that were altered there; they are computed anew.
    """

    def __init__(self, rows: RowStore, student: Callable[[str], Path], store: SharedStore) -> None:
        self._rows, self._student, self._store = rows, student, store
        self._there: set[str] = set()
        self.damaged: list[str] = []

    def bring(self, keys: Collection[str]) -> None:
        """Takes the cells that others have finished and that are not finished here."""
        # Of one key it is not asked first whether it is there.
        there = keys if len(keys) == 1 else self._store.present(_ROWS, keys)
        for key, fits in self._store.each(self._taken, sorted(there)):
            if fits:
                self._there.add(key)
            elif fits is not None:
                self.damaged.append(key)

    def _taken(self, key: str) -> bool | None:
        """Whether what is there is the cell's row, and was taken; None where nothing is there."""
        files = self._store.get(_ROWS, key)
        return None if files is None else self._rows.take(key, files) is not None

    def share(self, keys: Collection[str], *, students: bool) -> None:
        """Puts there what is finished here and is missing there.

        Args:
            keys: Of cells that are finished here.
            students: Whether their students are kept and belong to them.
        """
        there = self._there | self._store.present(_ROWS, set(keys) - self._there)
        absent = [key for key in keys if key not in there]
        if students:
            kept = [key for key in keys if key in there and self._student(key).is_file()]
            absent += sorted(set(kept) - self.with_student(kept))
        for _ in self._store.each(lambda key: self.offer(key, student=students), absent):
            pass

    def offer(self, key: str, *, student: bool) -> str | None:
        """Puts a finished cell there; where another was first, its row is taken.

        Args:
            key: Of the cell.
            student: Whether its student is kept and belongs to it; it is there before the row is.

        Returns:
            What a person should know, where the other's result is another.
        """
        files = self._rows.files(key)
        if files is None:
            return None
        if student:
            self._offer_student(key)
        others = self._store.offer(_ROWS, key, files, lambda files: is_cell(key, files))
        if others is None:
            return None
        mine, theirs = self._rows.get(key), self._rows.take(key, others)
        if mine is None or theirs is None or mine.result == theirs.result:
            return None
        if student:
            self._student(key).unlink(missing_ok=True)  # theirs is the row's, and is there
        return "another machine was first, and its result, which is another, is taken"

    def _offer_student(self, key: str) -> None:
        kept, weights = self._student(key), self._weights(key)
        if weights is not None and kept.is_file():
            self._store.offer(_STUDENTS, weights, {_WEIGHTS: kept.read_bytes()}, _has_weights)

    def with_student(self, keys: Iterable[str]) -> set[str]:
        """Of some cells those whose student is there."""
        asked = {key: weights for key in keys if (weights := self._weights(key)) is not None}
        there = self._store.present(_STUDENTS, set(asked.values()))
        return {key for key, weights in asked.items() if weights in there}

    def bring_student(self, key: str) -> None:
        """Keeps the student of a cell here, if it is there."""
        weights = self._weights(key)
        files = None if weights is None else self._store.get(_STUDENTS, weights)
        if files is not None and _has_weights(files):
            write_atomic(self._student(key), files[_WEIGHTS])

    def _weights(self, key: str) -> str | None:
        """The digest of a cell's student, by which it lies there: of two the one of the row."""
        row = self._rows.get(key)
        known = row.result.student_digest if row is not None and row.result is not None else ""
        return known if _DIGEST.fullmatch(known) else None


def _has_weights(files: Collection[str]) -> bool:
    return _WEIGHTS in files
