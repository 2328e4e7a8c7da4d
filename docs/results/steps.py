"""Accuracy against steps and against compute, of runs of one suite at several lengths.

    python docs/results/steps.py FIGURE.png runs/main-200 runs/main-1000 runs/all-200 ...

Prints a table: the mean over tasks of each method at each length, and its paired difference to
fine-tuning at the same length with a 95 % t interval over tasks. Fine-tuning on all labels stands
for a teacher that is never wrong. Draws both curves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import t

import distbench

ALL_LABELS = "fine-tuning on all labels"


def rows_of(paths: list[Path]) -> pd.DataFrame:
    """Finished cells with the length of their training, and all that it cost."""
    rows = distbench.load(*paths).rows
    rows = rows[rows.status == "done"]
    protocol = rows.protocol.map(json.loads)
    macs = rows[[f"{part}_macs" for part in ("training", "teacher_pass", "teacher_training")]]
    known = protocol.map(lambda p: p["labelled"]).eq(1.0) & rows.method.eq("finetune")
    return rows.assign(
        length=protocol.map(lambda p: p["steps"]),
        macs=macs.fillna(0).sum(axis=1),
        name=rows.method.where(~known, ALL_LABELS),
    )


def main(figure: Path, *paths: Path) -> None:
    """Prints the table and writes the figure."""
    rows = rows_of([*paths])
    by = rows.pivot_table("accuracy", ["length", "name"], "task")
    macs = rows.groupby(["length", "name"]).macs.mean()
    for length, reached in by.groupby(level="length"):
        base = reached.xs("finetune", level="name").iloc[0]
        print(f"\n{length} steps, {base.notna().sum()} tasks")
        for (_, name), values in reached.iterrows():
            gain = 100 * (values - base).dropna().to_numpy()
            half = t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
            print(f"{name:36} {100 * values.mean():5.1f} {gain.mean():+5.1f} ± {half:.1f}")
    _draw(figure, by.mean(axis=1), macs)


def _draw(figure: Path, mean: pd.Series, macs: pd.Series) -> None:
    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="tight")
    for name in mean.index.unique("name"):
        accuracy = 100 * mean.xs(name, level="name")
        left.plot(accuracy.index, accuracy, marker="o", label=name)
        right.plot(macs.xs(name, level="name") / 1e9, accuracy, marker="o")
    for axis, what in ((left, "steps"), (right, "training, G multiply-accumulates")):
        axis.set_xscale("log")
        axis.set_xlabel(what)
        axis.grid(alpha=0.3)
    ticks = np.sort(mean.index.unique("length"))
    left.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    left.set_ylabel("mean test accuracy, %")
    left.legend(fontsize=8)
    drawing.savefig(figure, dpi=130)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
