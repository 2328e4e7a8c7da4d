"""Which sources each method learnt from on each task, and how much from each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.records import Learnt, RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.storage.rows import Row


@dataclass(frozen=True)
class SourceShare:
    """One source; `weight` and `score` are means over seeds, `score` None where it has none."""

    source: str
    weight: float
    score: float | None


@dataclass(frozen=True)
class TaskWeights:
    """The sources of one method on one task, averaged over its done seeds.

    Attributes:
        effective: Effective number of sources: the mean over seeds of ``1 / sum(w^2)``; 1 when all
            weight is on one source, s when s sources share it equally. (Of averaged weights it
            would be larger, as if one student had learnt from the sources of all seeds.)
        shares: By falling weight, then by name; all sources that were eligible in some seed.
        excluded: Source to reason; several reasons are joined by ``; ``.
        marked: Kept although they saw the task.
    """

    method: str
    task: str
    seeds: tuple[int, ...]
    effective: float
    shares: tuple[SourceShare, ...]
    excluded: dict[str, str]
    marked: dict[str, str]


def effective_number(weights: ArrayLike) -> NDArray[np.float64]:
    """Effective number of sources ``(sum w)^2 / sum(w^2)`` along the last axis; 0 without any."""
    w = np.asarray(weights, dtype=np.float64)
    squares = np.sum(w**2, axis=-1)
    return np.asarray(np.sum(w, axis=-1) ** 2 / np.where(squares > 0, squares, 1))


def source_weights(
    rows: Iterable[Row | RowRecord], *, methods: Sequence[str] = (), tasks: Sequence[str] = ()
) -> list[TaskWeights]:
    """Weights by method and task; methods without sources are left out.

    Args:
        rows: In any order; only done cells count.
        methods: The order to list methods in; others follow by name.
        tasks: The order to list tasks in; others follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[int, Learnt]]] = defaultdict(list)
    for (method, task, seed), row in sorted(cells(as_records(rows)).items()):
        if row.result is not None and row.result.sources.used:
            groups[method, task].append((seed, row.result.sources))
    first = {m: i for i, m in enumerate(methods)}
    second = {t: i for i, t in enumerate(tasks)}
    order = sorted(
        groups,
        key=lambda k: (first.get(k[0], len(first)), k[0], second.get(k[1], len(second)), k[1]),
    )
    return [_average(method, task, groups[method, task]) for method, task in order]


def _average(method: str, task: str, group: Sequence[tuple[int, Learnt]]) -> TaskWeights:
    blocks = [block for _, block in group]
    names: Sequence[str] = blocks[0].names
    if all(block.names is names for block in blocks):
        weight = np.array([block.weight for block in blocks])
        score = np.array([block.score for block in blocks])
    else:
        names = sorted({source for b in blocks for source in b.names})
        column = {source: i for i, source in enumerate(names)}
        # Not eligible in a seed means that nothing was learnt from it there: weight 0.
        weight = np.zeros((len(blocks), len(names)))
        score = np.full_like(weight, np.nan)
        for i, block in enumerate(blocks):
            columns = [column[source] for source in block.names]
            weight[i, columns], score[i, columns] = block.weight, block.score
    means, known = weight.mean(axis=0), ~np.isnan(score)
    scored = np.where(known, score, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    shares = [
        SourceShare(source, w, s if scores_it else None)
        for source, w, s, scores_it in zip(
            names, means.tolist(), scored.tolist(), known.any(axis=0).tolist(), strict=True
        )
    ]
    return TaskWeights(
        method=method,
        task=task,
        seeds=tuple(seed for seed, _ in group),
        effective=float(np.mean(effective_number(weight))),
        shares=tuple(sorted(shares, key=lambda s: (-round(s.weight, 12), s.source))),
        excluded=_reasons([b.excluded for b in blocks]),
        marked=_reasons([b.marked for b in blocks]),
    )


def _reasons(seeds: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not any(seeds):
        return {}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for reasons in seeds:
        for source, reason in reasons.items():
            counts[source][reason] += 1

    def reason_text(reason: str, count: int) -> str:
        return reason if count == len(seeds) else f"{reason} ({count} of {len(seeds)} seeds)"

    return {
        s: "; ".join(reason_text(*r) for r in sorted(counts[s].items())) for s in sorted(counts)
    }
