"""Which tasks a table is over, where not all methods were tried on the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import RowRecord


def common_tasks(rows: Sequence[RowRecord], origins: Sequence[RowOrigin]) -> tuple[str, ...]:
    """The tasks of the table: those for which it compares most.

    Methods may have been tried on fewer tasks than others. Chosen are the tasks that maximise
    (methods tried on all of them) x (tasks). What was tried and failed or declined counts as tried,
    so that no hard task is lost to those it defeats, and so does what the file of a method planned,
    whether there is a row of it or not.

    Args:
        rows: Of one table.
        origins: Where they come from.
    """
    tried: dict[str, set[str]] = defaultdict(set)
    order: dict[str, None] = {}
    for origin in sorted({row.origin for row in rows}):
        order.update(dict.fromkeys(origins[origin].tasks))
    order.update(dict.fromkeys(sorted({row.task.id for row in rows})))
    for row in rows:
        tried[row.method.id] |= {row.task.id, *origins[row.origin].tasks}
    counts = Counter(frozenset(tasks) for tasks in tried.values())
    places = list(order)
    chosen = max(
        sorted(counts, key=lambda s: (-len(s), [places.index(t) for t in places if t in s])),
        key=lambda s: len(s) * sum(n for other, n in counts.items() if s <= other),
    )
    return tuple(task for task in order if task in chosen)


def left_out(rows: Sequence[RowRecord], tasks: Sequence[str]) -> tuple[str, ...]:
    """What was read but is not in the table, a sentence each."""
    by_task: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.task.id not in tasks:
            by_task[row.task.id].add(row.method.id)
    kept = {row.method.id for row in rows if row.task.id in tasks}

    def many(methods: set[str]) -> str:
        gone = sorted(methods - kept)
        text = f"{len(methods)} {'method' if len(methods) == 1 else 'methods'}"
        return text + (f"; nothing else is there of {', '.join(gone[:5])}" if gone else "")

    return tuple(f"Task {t} is left out: only {many(by_task[t])}." for t in sorted(by_task))
