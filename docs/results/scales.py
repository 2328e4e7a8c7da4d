"""Which scale and power weigh best on the development tasks, by validation: tables of scales.md.

python docs/results/scales.py runs/scales
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from distbench.storage.row_lines import read_line

Accuracies = dict[str, dict[tuple[str, float], list[float]]]
"""Scale to (metric, power) to validation accuracies of tasks and seeds."""


def validated(path: str) -> Accuracies:
    """Validation accuracy of every finished cell below a path."""
    found: Accuracies = defaultdict(lambda: defaultdict(list))
    lines = [line for file in Path(path).rglob("rows.jsonl") for line in file.open("rb")]
    for row in (read_line(line).row for line in lines):
        if row.result is None or row.result.validation_accuracy is None:
            raise SystemExit(f"{row.method.id} on {row.task.id}, seed {row.seed}: {row.status}")
        params = row.method.components["strategy"]["params"]
        metric = row.method.components["metric"]["name"]
        found[params["normalise"]][metric, float(params["power"])].append(
            row.result.validation_accuracy
        )
    return found


def main(path: str) -> None:
    """Prints accuracy by scale and power, then the best power of each metric."""
    found = validated(path)
    metrics = sorted({metric for cells in found.values() for metric, _ in cells})
    powers = sorted({power for cells in found.values() for _, power in cells})
    print("| scale | " + " | ".join(f"{power:g}" for power in powers) + " |")
    print("| --- " * (len(powers) + 1) + "|")
    for scale, cells in found.items():
        means = [np.mean([cells[metric, power] for metric in metrics]) for power in powers]
        print(f"| {scale} | " + " | ".join(f"{100 * mean:.2f}" for mean in means) + " |")
    print("\n| scale | " + " | ".join(metrics) + " |")
    print("| --- " * (len(metrics) + 1) + "|")
    for scale, cells in found.items():
        best = []
        for metric in metrics:
            reached = [float(np.mean(cells[metric, power])) for power in powers]
            top = max(reached)
            best.append(f"{100 * top:.2f} at {powers[reached.index(top)]:g}")
        print(f"| {scale} | " + " | ".join(best) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
