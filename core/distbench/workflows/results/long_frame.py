"""Long frames: many lines for each cell, in which what names the cell is held once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from distbench.storage.rows import Row

if TYPE_CHECKING:
    from pandas import DataFrame

_TEXTS = ("method", "task", "key", "origin")


class LongFrame:
    """A frame that grows by the lines of one cell after another.

    Args:
        columns: Its own columns with the types of their values. Before them stand ``method``,
            ``task``, ``seed``, ``key`` and ``origin`` of the cell.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._types = dict(columns)
        self._values: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
        self._lines: list[int] = []
        self._seeds: list[int] = []
        self._codes: dict[str, list[int]] = {name: [] for name in _TEXTS}
        self._known: dict[str, dict[str, int]] = {name: {} for name in _TEXTS}

    def add(self, row: Row, origin: str, values: Mapping[str, NDArray[Any]]) -> None:
        """Adds the lines of a cell.

        Args:
            row: Of the cell.
            origin: Where it was read from.
            values: For each column as many as there are lines.
        """
        (lines,) = {len(column) for column in values.values()}
        if not lines:
            return
        self._lines.append(lines)
        self._seeds.append(row.seed)
        for name, text in zip(_TEXTS, (row.method.id, row.task.id, row.key, origin), strict=True):
            known = self._known[name]
            self._codes[name].append(known.setdefault(text, len(known)))
        for name, kind in self._types.items():
            self._values[name].append(np.asarray(values[name], dtype=kind))

    def frame(self) -> DataFrame:
        """All lines; names are categories."""
        import pandas

        lines = np.array(self._lines, dtype=np.int64)
        columns: dict[str, Any] = {
            name: pandas.Categorical.from_codes(
                np.repeat(np.array(self._codes[name], dtype=np.int32), lines),
                categories=pandas.Index(list(self._known[name]), dtype="str"),
            )
            for name in _TEXTS
        }
        columns["seed"] = np.repeat(np.array(self._seeds, dtype=np.int64), lines)
        order = ["method", "task", "seed", "key", "origin"]
        for name, kind in self._types.items():
            columns[name] = np.concatenate([np.empty(0, kind), *self._values.pop(name)])
        return pandas.DataFrame({name: columns[name] for name in (*order, *self._types)})
