"""Which tasks and seeds a table is over, where not all methods were tried on the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import RowRecord


def footprint(
    rows: Sequence[RowRecord], origins: Sequence[RowOrigin]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The tasks and seeds of the table: those for which it compares most cells.

    Methods may have been tried on fewer tasks or with fewer seeds than others. Chosen are the tasks
    that maximise (methods tried on all of them) x (tasks), then the seeds likewise. What was tried
    and failed or declined counts as tried, so that no hard task is lost to those it defeats, and so
    does what the file of a method planned, whether there is a row of it or not.
    """
    tried: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    order: dict[str, None] = {}
    planned: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        tried[row.method.id][row.task.id].add(row.seed)
        planned[row.method.id].add(row.origin)
    for origin in sorted({row.origin for row in rows}):
        order.update(dict.fromkeys(origins[origin].tasks))
    order.update(dict.fromkeys(sorted({row.task.id for row in rows})))
    on: dict[str, frozenset[str]] = {}
    for method, by_task in tried.items():
        on[method] = frozenset({*by_task, *(t for n in planned[method] for t in origins[n].tasks)})
    tasks = _largest(on.values(), key=lambda s: [list(order).index(t) for t in sorted(s)])
    with_seeds = [
        frozenset(
            {
                *(seed for task, some in tried[method].items() if task in tasks for seed in some),
                *(seed for n in planned[method] for seed in origins[n].seeds),
            }
        )
        for method in tried
        if on[method] >= tasks
    ]
    seeds = _largest(with_seeds, key=sorted)
    return tuple(t for t in order if t in tasks), tuple(sorted(seeds))


def _largest(
    sets: Iterable[frozenset[Any]], key: Callable[[frozenset[Any]], Any]
) -> frozenset[Any]:
    """The set that covers most: its size times the number of sets that hold all of it."""
    counts: Counter[frozenset[Any]] = Counter(sets)
    candidates = sorted(counts, key=lambda s: (-len(s), key(s)))
    return max(
        candidates, key=lambda s: len(s) * sum(n for other, n in counts.items() if s <= other)
    )


def left_out(
    rows: Sequence[RowRecord], tasks: Sequence[str], seeds: Sequence[int]
) -> tuple[str, ...]:
    """What was read but is not in the table, a sentence each."""
    by_task: dict[str, set[str]] = defaultdict(set)
    by_seed: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row.task.id not in tasks:
            by_task[row.task.id].add(row.method.id)
        elif row.seed not in seeds:
            by_seed[row.seed].add(row.method.id)
    kept = {row.method.id for row in rows if row.task.id in tasks and row.seed in seeds}

    def many(methods: set[str]) -> str:
        gone = sorted(methods - kept)
        text = f"{len(methods)} {'method' if len(methods) == 1 else 'methods'}"
        return text + (f"; nothing else is there of {', '.join(gone[:5])}" if gone else "")

    return (
        *(f"Task {t} is left out: only {many(by_task[t])}." for t in sorted(by_task)),
        *(f"Seed {s} is left out: only {many(by_seed[s])}." for s in sorted(by_seed)),
    )
