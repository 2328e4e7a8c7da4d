"""What metrics said of the sources, read from rows: of methods with a metric, and of studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distbench.leaderboard.analysis.trials import ByCell
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import RowRecord
from distbench.storage.rows import STUDIED

_TOLERANCE = 0.02
"""Of the spread of a cell's scores, in the mean over all: between machines they differ by less."""

_Cell = tuple[str, int]


@dataclass
class GivenScores:
    """What one metric said.

    Attributes:
        component: What it is; empty where nobody said so.
        by_cell: (task, seed) to source to its score.
        origins: Numbers of the files that say so.
    """

    component: Mapping[str, Any]
    by_cell: dict[_Cell, Mapping[str, float]] = field(default_factory=dict)
    origins: list[int] = field(default_factory=list)

    def add(self, by_cell: ByCell) -> None:
        """Takes what it does not have, of each cell what has most sources."""
        for cell, given in by_cell.items():
            if len(given) > len(self.by_cell.setdefault(cell, {})):
                self.by_cell[cell] = given

    def agrees(self, other: GivenScores) -> bool:
        """Whether it is the same component, with about the same scores where both have one."""
        if self.component and other.component and self.component != other.component:
            return False
        apart: list[float] = []
        for cell in self.by_cell.keys() & other.by_cell.keys():
            mine, theirs = self.by_cell[cell], other.by_cell[cell]
            spread = float(np.ptp([*mine.values(), *theirs.values()])) if mine and theirs else 0.0
            both = mine.keys() & theirs.keys()
            apart += [abs(mine[s] - theirs[s]) / (spread or 1.0) for s in both]
        return not apart or float(np.mean(apart)) <= _TOLERANCE


def scores_of(
    rows: Iterable[RowRecord], origins: Sequence[RowOrigin] = ()
) -> dict[str, GivenScores]:
    """What each metric said, of each cell from wherever most sources have a score.

    All methods of a metric read the same scores, but may not have the same eligible sources. A cell
    that did not come to an end has none. In studies each source's row tells its scores. Files that
    disagree on a metric, or mean another one by its name, are told apart: what the first says
    stands, another is called ``METRIC @ SUBMITTER``.

    Args:
        rows: Of one board, with all copies of a cell.
        origins: Where they come from.
    """
    by_file: dict[int, list[RowRecord]] = defaultdict(list)
    for row in rows:
        by_file[row.origin].append(row)
    variants: dict[str, list[GivenScores]] = defaultdict(list)
    for number in sorted(by_file):
        for metric, mine in _of_file(by_file[number]).items():
            variant = next((one for one in variants[metric] if one.agrees(mine)), None)
            if variant is None:
                variants[metric].append(mine)
            else:
                variant.add(mine.by_cell)
            (variant or mine).origins.append(number)
    named: dict[str, GivenScores] = {}
    for metric, (standing, *others) in variants.items():
        named[metric] = standing
        for other in others:
            origin = origins[other.origins[0]]
            name = f"{metric} @ {origin.submitter or origin.path}"
            named[f"{name} ({origin.path})" if name in named else name] = other
    return {metric: named[metric] for metric in sorted(named)}


def _of_file(rows: Sequence[RowRecord]) -> dict[str, GivenScores]:
    scores: dict[str, GivenScores] = {}
    for metric, component, cell, given in (*_of_methods(rows), *_of_studies(rows)):
        scores.setdefault(metric, GivenScores(component)).add({cell: given})
    return scores


_Given = tuple[str, Mapping[str, Any], _Cell, Mapping[str, float]]


def _of_methods(rows: Iterable[RowRecord]) -> Iterator[_Given]:
    """Metric, component, cell and scores of each row whose method has a metric."""
    for row in sorted(rows, key=_place):
        if "metric" in row.method.components:
            learnt = row.result.sources if row.result else None
            pairs = zip(learnt.names, learnt.score, strict=True) if learnt else ()
            given = {n: s for n, s in pairs if np.isfinite(s)}
            yield metric_of(row), row.method.components["metric"], (row.task.id, row.seed), given


def _of_studies(rows: Iterable[RowRecord]) -> Iterator[_Given]:
    """The same, put together from the rows of single sources of one distiller."""
    by_cell: dict[tuple[str, str, str, int], dict[str, float]] = defaultdict(dict)
    components: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=_place):
        if row.result is None or not row.result.declared.get(STUDIED):
            continue
        source = row.result.sources.single or ""
        distiller = row.method.id.partition("/")[0]
        for metric, of in row.result.declared[STUDIED].items():
            components.setdefault(metric, of["component"])
            scores = by_cell[distiller, metric, row.task.id, row.seed]
            if of["score"] is not None:
                scores[source] = float(of["score"])
    for (_, metric, task, seed), scores in by_cell.items():
        yield metric, components[metric], (task, seed), scores


def _place(row: RowRecord) -> tuple[str, str, int]:
    return row.method.id, row.task.id, row.seed


def metric_of(row: RowRecord) -> str:
    """How a method's name writes its metric; empty where it has none."""
    if "metric" not in row.method.components:
        return ""
    # DISTILLER/STRATEGY/METRIC, where only what comes last may hold a slash.
    return (row.method.written or row.method.id).split("/", 2)[-1]
