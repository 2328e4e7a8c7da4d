"""How well the accuracies of one study tell those of another: a study's sources as a metric.

    python docs/results/agreement.py mini-study-probe.json mini-study-distil.json

The first study's test accuracies are judged as scores of a metric are, against the second's. Both
have one seed: the interval is over tasks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import t

from distbench.leaderboard.analysis.metric_measures import judged


def reached(path: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Task and seed of a study to the accuracy that each source led to."""
    cells = json.loads(path.read_text(encoding="utf-8"))["reached"]
    return {(cell["task"], cell["seed"]): cell["sources"] for cell in cells}


def main(score: Path, accuracy: Path) -> None:
    """Prints weighted tau, Pearson, top-1 and top-3 regret: by task, mean, 95 % half-width."""
    scores, accuracies = reached(score), reached(accuracy)
    values = []
    for cell in sorted(scores.keys() & accuracies.keys()):
        names = sorted(accuracies[cell])
        first, second = (np.array([of[cell][n] for n in names]) for of in (scores, accuracies))
        values.append(judged(first, second))
        print(cell[0], *(f"{value:.3f}" for value in values[-1]))
    table = np.array(values)
    half = t.ppf(0.975, len(table) - 1) * table.std(0, ddof=1) / len(table) ** 0.5
    print("mean", *(f"{m:.3f} +-{h:.3f}" for m, h in zip(table.mean(0), half, strict=True)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
