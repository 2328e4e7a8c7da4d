"""What came of trying every source alone: what metrics are judged by, and how noisy that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from distbench.leaderboard.analysis.metric_measures import Floats, all_equal, weighted_tau
from distbench.leaderboard.statistics import Estimate, mean_interval, over_groups

LEAST = 3
"""Sources that must have been tried on a task, and be scored by a metric that says something."""

ByCell = Mapping[tuple[str, int], Mapping[str, float]]
"""A number for each source, by task and seed."""


@dataclass(frozen=True)
class SeedNoise:
    """How far the accuracies of one seed agree with those of the others; means over tasks.

    Attributes:
        tau: Weighted tau of a seed's accuracies, as scores, and the mean of the other seeds.
        regret: The best accuracy seen with a seed less that of the source that is the best on the
            other seeds: what is lost, against the best seen, by who knows as much as they tell.
    """

    tau: Estimate
    regret: Estimate


@dataclass(frozen=True)
class Trial:
    """What the sources of a task led to: accuracies (seeds, n), those of `names` in every seed."""

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    accuracy: Floats

    def others(self, number: int) -> Floats:
        """(n,) Mean accuracies of all seeds but that one; of the only one itself."""
        if len(self.seeds) == 1:
            return np.asarray(self.accuracy[0])
        return np.asarray(np.delete(self.accuracy, number, axis=0).mean(axis=0))


def trials_of(reached: ByCell, order: Sequence[str]) -> tuple[dict[str, Trial], dict[str, str]]:
    """What was tried on each task that can judge, and why the others cannot.

    Only the seeds with the most sources count, and of those the sources that all have: in a seed
    that is not finished the best source may be missing.
    """
    by_task: dict[str, dict[int, Mapping[str, float]]] = defaultdict(dict)
    for (task, seed), values in sorted(reached.items()):
        by_task[task][seed] = values
    trials: dict[str, Trial] = {}
    left_out = {}
    for task in (*(t for t in order if t in by_task), *sorted(by_task.keys() - set(order))):
        most = max(map(len, by_task[task].values()))
        full = {seed: values for seed, values in by_task[task].items() if len(values) == most}
        names = tuple(sorted(set.intersection(*(set(values) for values in full.values()))))
        accuracy = np.array([[values[n] for n in names] for values in full.values()])
        if len(names) < LEAST:
            left_out[task] = f"{len(names)} sources were tried, {LEAST} are needed"
        elif all_equal(accuracy.mean(axis=0)):
            left_out[task] = "all sources led to the same"
        else:
            trials[task] = Trial(names, tuple(full), accuracy)
    return trials, left_out


def group_means(table: Floats, tasks: Sequence[str], groups: Mapping[str, str]) -> Floats:
    """(groups, k) means of a table (tasks, k) inside each group; a task without one is its own."""
    return over_groups(table.T, [groups.get(task, task) for task in tasks]).T


def seed_noise(trials: Mapping[str, Trial], groups: Mapping[str, str]) -> SeedNoise | None:
    """What the seeds say of each other, over the tasks with several."""
    several = {task: trial for task, trial in trials.items() if len(trial.seeds) > 1}
    if not several:
        return None
    table = [
        np.mean(
            [
                (
                    weighted_tau(own, trial.others(i)),
                    own.max() - own[trial.others(i).argmax()],
                )
                for i, own in enumerate(trial.accuracy)
            ],
            axis=0,
        )
        for trial in several.values()
    ]
    over = group_means(np.array(table), list(several), groups)
    return SeedNoise(mean_interval(over[:, 0]), mean_interval(over[:, 1]))
