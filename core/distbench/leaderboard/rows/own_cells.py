"""What a file's rows are to be held against: its own plan, and its own baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from distbench.leaderboard.rows.entries import Cell
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import RowRecord


def planned_cells(
    rows: Iterable[RowRecord], origins: Sequence[RowOrigin], tasks: Sequence[str]
) -> dict[str, set[tuple[str, int]]]:
    """For each method the tasks and seeds that its files planned, and those that it has rows of.

    Args:
        rows: Of one board, told apart.
        origins: Where they come from.
        tasks: Those of the board.
    """
    planned: dict[str, set[tuple[str, int]]] = defaultdict(set)
    files: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        planned[row.method.id].add((row.task.id, row.seed))
        files[row.method.id].add(row.origin)
    for method, numbers in files.items():
        for origin in (origins[number] for number in numbers):
            planned[method] |= {(t, s) for t in origin.tasks if t in tasks for s in origin.seeds}
    return planned


def own_baselines(rows: Sequence[RowRecord], baseline: str) -> Mapping[Cell, str]:
    """For each cell the line of the baseline that was computed beside it, by the same machine.

    Results of one machine are paired to the bit; another one's differ by an image here and there,
    and would add that to a difference. A cell that several files hold is compared with what stands
    where one of them agrees with that.

    Args:
        rows: Of one board, told apart, with all copies of a cell.
        baseline: The name of the baseline.

    Returns:
        Cells for which it is another line than the baseline's own.
    """
    beside: dict[tuple[int, str, int], str] = {}
    for row in rows:
        if row.result is not None and (row.method.written or row.method.id) == baseline:
            beside[row.origin, row.task.id, row.seed] = row.method.id
    own: dict[Cell, str] = {}
    for row in sorted(rows, key=lambda row: -row.origin):  # of several files the first has its say
        name = beside.get((row.origin, row.task.id, row.seed))
        cell = (row.method.id, row.task.id, row.seed)
        if name is not None and own.get(cell) != baseline:
            own[cell] = name
    return {cell: name for cell, name in own.items() if name != baseline}
