"""What a strategy that chooses how sharp weights are would reach, by runs of each sharpness.

    python docs/results/sharpness.py runs/main-1000 runs/power-1000 runs/choices

Weights do not depend on the length of training, so that a run of one step tells what a strategy
chooses; what it would have reached is the accuracy of the strategy with the very same weights.
Methods of another length than most have are those that choose. Prints the accuracy of each strategy
on each task, and for each the mean and the least difference to equal weights and to the best.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import distbench


def main(*paths: Path) -> None:
    """Prints the table."""
    found = distbench.load(*paths)
    rows = found.rows
    rows = rows[(rows.status == "done") & rows.method.str.startswith("pseudo_labels/")]
    length = rows.protocol.map(lambda text: json.loads(text)["steps"])
    trained = rows[length == length.mode()[0]]
    choosing = rows[length != length.mode()[0]]
    weights = found.weights.pivot_table("weight", ["method", "task", "seed"], "source").fillna(0)
    cells = ["method", "task", "seed"]
    accuracies = trained.set_index(cells).accuracy
    for cell in choosing[cells].itertuples(index=False):
        alike = [
            value
            for one, value in accuracies.items()
            if one[1:] == cell[1:] and np.allclose(weights.loc[one], weights.loc[cell], atol=1e-6)
        ]
        accuracies.loc[cell] = alike[0] if alike else np.nan
    reached = accuracies.rename("accuracy").reset_index().pivot_table("accuracy", "method", "task")
    _told(100 * reached)


def _told(reached: pd.DataFrame) -> None:
    """Prints percent by task, and how far each is from equal weights and from the best."""
    equal = reached[reached.index.str.contains("/equal|/weighted:0/")].iloc[0]
    gain, regret = reached - equal, reached.max() - reached
    table = reached.assign(mean=reached.mean(axis=1))
    table["vs equal"], table["least"] = gain.mean(axis=1), gain.min(axis=1)
    table["regret"], table["most"] = regret.mean(axis=1), regret.max(axis=1)
    print(table.round(1).to_string())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
