"""A metric of one's own, from an array to a leaderboard; each `# %%` is a notebook's cell.

    python examples/metric.py [STEPS]

The class is all that a plugin is: `distbench run --plugin examples/metric.py` finds it, too.
"""

# %% The idea: one class. Its fields would be its parameters.
from __future__ import annotations

import sys

import numpy as np

import distbench
from distbench import Metric, Probe


class ClassSpread(Metric):
    """Distance between class means over the spread within classes."""

    def score(self, probe: Probe) -> float:
        """Higher is better."""
        x, y = probe.features, probe.labels
        means = y.class_sums(x) / y.counts[:, None]  # (classes, d)
        within = np.square(x - means[y.ids]).mean()
        return float(means.var(axis=0).mean() / (within + 1e-12))


def main(steps: int | None = None) -> None:
    """Scores arrays, ranks a zoo, and trains students by what the metric says.

    Args:
        steps: Optimiser steps of a student; the suite's if None.
    """
    # %% On arrays: features that know the classes, and features that do not.
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    noise = rng.normal(size=(60, 8))
    knows = noise + 3 * np.eye(8)[labels]
    print("knows the classes:", round(distbench.score(ClassSpread(), knows, labels), 3))
    print("knows nothing:    ", round(distbench.score(ClassSpread(), noise, labels), 3))

    # %% On a zoo: 28 small source models that ship with distbench, for a small drawn task.
    ranking = distbench.rank("mini-cub", metric="class_spread", plugin=(__file__,))
    print("best source:      ", ranking.sources[0].source.name)

    # %% A fair verdict: students trained by this metric's weights, and by LogME's.
    result = distbench.run(
        plugin=__file__,
        metric=("class_spread", "logme"),
        task="mini-cub",
        baseline="finetune",
        steps=steps,
    )
    for row in result.rows:
        if row.result is not None:
            print(f"{row.method.id:40s} {100 * row.result.accuracy:.1f} %")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
