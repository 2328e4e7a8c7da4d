"""What metrics said of the sources, read from rows: of methods with a metric, and of studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from distbench.leaderboard.analysis.trials import ByCell
from distbench.leaderboard.rows.entries import Cell
from distbench.leaderboard.rows.records import RowRecord
from distbench.storage.rows import STUDIED

_Given = tuple[str, tuple[str, int], Mapping[str, float]]


def scores_of(chosen: Mapping[Cell, RowRecord]) -> dict[str, ByCell]:
    """Metric to (task, seed) to source to its score; from wherever most sources have one.

    All methods of a metric read the same scores, but may not have the same eligible sources. A cell
    that did not come to an end has none. In studies each source's row tells its scores.
    """
    scores: dict[str, dict[tuple[str, int], Mapping[str, float]]] = defaultdict(dict)
    for metric, cell, given in (*_of_methods(chosen), *_of_studies(chosen)):
        if len(given) > len(scores[metric].setdefault(cell, {})):
            scores[metric][cell] = given
    return {metric: scores[metric] for metric in sorted(scores)}


def _of_methods(chosen: Mapping[Cell, RowRecord]) -> Iterator[_Given]:
    """Metric, cell and scores of each row whose method has a metric."""
    for (_, task, seed), row in sorted(chosen.items()):
        if "metric" in row.method.components:
            learnt = row.result.sources if row.result else None
            pairs = zip(learnt.names, learnt.score, strict=True) if learnt else ()
            yield metric_of(row), (task, seed), {n: s for n, s in pairs if np.isfinite(s)}


def _of_studies(chosen: Mapping[Cell, RowRecord]) -> Iterator[_Given]:
    """Metric, cell and scores, put together from the rows of single sources of one distiller."""
    by_cell: dict[tuple[str, str, str, int], dict[str, float]] = defaultdict(dict)
    for (method, task, seed), row in sorted(chosen.items()):
        if row.result is None or not row.result.declared.get(STUDIED):
            continue
        source = row.result.sources.single or ""
        for metric, of in row.result.declared[STUDIED].items():
            scores = by_cell[method.partition("/")[0], metric, task, seed]
            if of["score"] is not None:
                scores[source] = float(of["score"])
    for (_, metric, task, seed), scores in by_cell.items():
        yield metric, (task, seed), scores


def metric_of(row: RowRecord) -> str:
    """How a method's name writes its metric; empty where it has none."""
    if "metric" not in row.method.components:
        return ""
    # DISTILLER/STRATEGY/METRIC, where only what comes last may hold a slash.
    return (row.method.written or row.method.id).split("/", 2)[-1]
