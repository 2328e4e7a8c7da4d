"""How well each metric picks sources: its scores against what the sources really led to.

What a source really led to is read from the rows alone: of the cells that learnt from exactly one
source and chose it without any score, as strategy ``only:NAME`` does. The accuracies of the
students then say how good each source was for the task, and a metric is judged by how its scores
order them (`metric_measures`): weighted Kendall tau, Pearson's correlation, and top-k regret, the
accuracy of the best source that there was less that of the best among the k with the highest
scores.

- **What is not scored is not chosen.** All sources that were tried count, scored or not.
- **Silence counts as chance**: tau 0, Pearson 0, the regret of a random choice. So every metric has
  a mean over the same tasks, and giving up where it is hard raises no place.
- **Several seeds.** An accuracy is the mean over seeds for tau and Pearson. The best of many noisy
  accuracies is an optimist, so for a regret with one seed the best sources (of all, and of the k)
  are chosen by the mean of the *other* seeds, and paid with this one. It may then be negative: by
  chance, or since a metric knows the best source better than the other seeds do.
- **Noise.** A seed's own accuracies, taken as scores of those of the other seeds, say what trying
  every source once tells: a metric at their tau is as good as that, one that knew the truth would
  be above. With one seed nothing can be said, and regrets are against the best seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distbench.errors import UnknownNameError
from distbench.leaderboard.analysis.metric_measures import MEASURED, Floats, all_equal, judged
from distbench.leaderboard.analysis.metric_scores import scores_of
from distbench.leaderboard.analysis.trials import (
    LEAST,
    ByCell,
    SeedNoise,
    Trial,
    group_means,
    seed_noise,
    trials_of,
)
from distbench.leaderboard.rows.entries import Cell, cells
from distbench.leaderboard.rows.measures import ACCURACY, MeasureFacts
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.statistics import Difference, Estimate, mean_interval, paired_t
from distbench.storage.rows import Row

CHANCE = "random"
"""The metric that says nothing, to which others are compared where it is there."""


@dataclass(frozen=True)
class MetricLine:
    """A metric, judged by the students of one distiller; means over tasks with t intervals.

    Attributes:
        metric: As it is written in the methods' names.
        distiller: Whose students say what a source led to.
        values: For each name in `MEASURED` the mean over groups of tasks; one gives no interval.
            Empty where no task can judge.
        by_task: Task to the mean over its seeds, in the order of `MEASURED`.
        sources: Fewest and most of the tried sources that it scored on a (task, seed) where it said
            something; 0 and 0 if nowhere.
        tried: Fewest and most sources that were tried on a task.
        chance: Task to why the metric says nothing there, so that chance stands in its place.
        left_out: Task to why no metric can be judged by it.
        differences: Reference metric to the paired differences to it, in the order of `MEASURED`.
        noise: What the seeds tell of each other; None with one seed.
        origins: Numbers of the files that its scores come from, where they come from files.
    """

    metric: str
    distiller: str
    values: Mapping[str, Estimate]
    by_task: Mapping[str, tuple[float, ...]]
    sources: tuple[int, int]
    tried: tuple[int, int]
    chance: Mapping[str, str]
    left_out: Mapping[str, str]
    differences: Mapping[str, tuple[Difference, ...]]
    noise: SeedNoise | None
    origins: tuple[int, ...] = ()


def metric_lines(
    rows: Iterable[Row | RowRecord],
    *,
    tasks: Sequence[str] = (),
    measures: Sequence[MeasureFacts] = (),
    reference: str | None = None,
    origins: Sequence[RowOrigin] = (),
) -> list[MetricLine]:
    """Every metric that scored where single sources were tried, best tau first.

    Args:
        rows: Of one board, in any order; copies of a cell may say what other metrics said.
        tasks: Their order.
        measures: What counts on each; accuracy if none are given. No metric is judged by what is
            not in percent, as a regret in points would say nothing.
        reference: As for `judge`; one that did not score here is none.
        origins: Where the rows come from.
    """
    records = as_records(rows)
    groups = {row.task.id: row.task.group for row in records}
    chosen = cells(records)
    if not all(one.percent for one in measures):
        return []
    sign = measures[0].sign if measures else 1
    reached = {
        distiller: {
            cell: {source: sign * value for source, value in of.items()}
            for cell, of in by_cell.items()
        }
        for distiller, by_cell in oracle(chosen, dict(zip(tasks, measures, strict=False))).items()
    }
    if not reached:
        return []
    given = scores_of(records, origins)
    known = reference if reference in given else None
    scores = {metric: one.by_cell for metric, one in given.items()}
    return [
        replace(line, origins=tuple(given[line.metric].origins))
        for line in judge(scores, reached, tasks, known, groups)
    ]


def judge(
    scores: Mapping[str, ByCell],
    reached: Mapping[str, ByCell],
    tasks: Sequence[str] = (),
    reference: str | None = None,
    groups: Mapping[str, str] | None = None,
) -> list[MetricLine]:
    """Every metric against what single sources led to, best tau first.

    Args:
        scores: Metric to (task, seed) to source to its score. Without any source the metric was
            asked and said nothing; a cell that is not there was not asked, and the mean of a task
            is over the other seeds.
        reached: Distiller to (task, seed) to source to the accuracy that it led to.
        tasks: Their order.
        reference: The metric to which others are compared; the first of the table if None.
        groups: Task to its group, inside of which is averaged before anything is said over groups;
            a task that is not there is a group of its own.

    Raises:
        UnknownNameError: There is no such reference.
    """
    if reference is not None and reference not in scores:
        hint = f"Choose among {', '.join(sorted(scores))}."
        raise UnknownNameError("reference metric", reference, scores, hint)
    return [
        line
        for distiller in sorted(reached)
        for line in _lines(
            {metric: by for metric, by in scores.items() if by.keys() & reached[distiller].keys()},
            distiller,
            reached[distiller],
            tasks,
            reference,
            groups or {},
        )
    ]


def _lines(
    scores: Mapping[str, ByCell],
    distiller: str,
    reached: ByCell,
    tasks: Sequence[str],
    reference: str | None,
    groups: Mapping[str, str],
) -> list[MetricLine]:
    """The metrics, judged by the students of one distiller."""
    trials, left_out = trials_of(reached, tasks)
    tried = [len(trial.names) for trial in trials.values()]
    judgements = {metric: _judgement(by_cell, trials) for metric, by_cell in scores.items()}
    tables = {
        metric: group_means(np.array(list(judgement.by_task.values())), list(trials), groups)
        for metric, judgement in judgements.items()
        if trials
    }
    order = sorted(tables or scores, key=lambda m: (-_tau(tables.get(m)), m))
    references = [name for name in (reference or "".join(order[:1]), CHANCE) if name in tables]
    noise = seed_noise(trials, groups)
    lines = []
    for metric in order:
        judgement, table = judgements[metric], tables.get(metric)
        values, differences = {}, {}
        if table is not None:
            values = {key: mean_interval(table[:, i]) for i, key in enumerate(MEASURED)}
            differences = {
                other: tuple(paired_t(column) for column in (table - tables[other]).T)
                for other in dict.fromkeys(references)
                if other != metric
            }
        lines.append(
            MetricLine(
                metric=metric,
                distiller=distiller,
                values=values,
                by_task=judgement.by_task,
                sources=(min(judgement.counts, default=0), max(judgement.counts, default=0)),
                tried=(min(tried, default=0), max(tried, default=0)),
                chance=judgement.chance,
                left_out=left_out,
                differences=differences,
                noise=noise,
            )
        )
    return lines


def _tau(table: Floats | None) -> float:
    """Mean tau of a table (units, measures), without what is round-off; 0 if there is none."""
    return 0.0 if table is None else round(float(table[:, 0].mean()), 9)


@dataclass(frozen=True)
class _Judgement:
    by_task: Mapping[str, tuple[float, ...]]
    chance: Mapping[str, str]
    counts: Sequence[int]


def _judgement(scores: ByCell, trials: Mapping[str, Trial]) -> _Judgement:
    """A metric on every task; chance where it says nothing."""
    by_task, chance, counts = {}, {}, []
    for task, trial in trials.items():
        mean = trial.accuracy.mean(axis=0)
        asked = [i for i, seed in enumerate(trial.seeds) if (task, seed) in scores]
        silent: list[str] = [] if asked else ["no scores"]
        values = []
        for i in asked or range(len(trial.seeds)):
            given = scores.get((task, trial.seeds[i]), {})
            score = np.array([given.get(name, np.nan) for name in trial.names])
            score[~np.isfinite(score)] = np.nan
            known = int(np.isfinite(score).sum())
            why = (
                f"{known} of {len(trial.names)} sources scored, {LEAST} are needed"
                if known < LEAST
                else "all scores are equal"
                if all_equal(score)
                else ""
            )
            if why:
                silent += [why] if asked else []
                score[:] = np.nan
            else:
                counts.append(known)
            tau, pearson, *_ = judged(score, mean)
            _, _, *regrets = judged(score, trial.others(i), trial.accuracy[i])
            values.append((tau, pearson, *regrets))
        by_task[task] = tuple(map(float, np.mean(values, axis=0)))
        if silent:
            some = f" ({len(silent)} of {len(asked)} seeds)" if len(silent) < len(asked) else ""
            chance[task] = silent[0] + some
    return _Judgement(by_task, chance, counts)


def oracle(
    chosen: Mapping[Cell, RowRecord], measures: Mapping[str, MeasureFacts] = {}
) -> dict[str, dict[tuple[str, int], dict[str, float]]]:
    """Distiller to (task, seed) to source to what learning from it alone led to.

    Args:
        chosen: One row a cell.
        measures: What counts on a task, where it is not accuracy.
    """
    values: dict[str, dict[tuple[str, int], dict[str, float]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for (_, task, seed), row in sorted(chosen.items()):
        components = row.method.components
        if row.result is None or "metric" in components or "strategy" not in components:
            continue
        source = row.result.sources.single
        value = row.result.by(measures.get(task, ACCURACY)).value
        if source is not None and value is not None:
            distiller = row.method.id.partition("/")[0]
            values[distiller][task, seed].setdefault(source, value)
    return values
