"""What weighting gains on each task, and which domains it weighs: a table of mini.md.

python docs/results/by_task.py registry/results
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from distbench.interfaces.zoo_sources import sources_of
from distbench.leaderboard.analysis.reports import reports
from distbench.plugins.registry import registry
from distbench.workflows.collect import collect

OURS = "pseudo_labels/weighted/logme"
OTHERS = {
    "weighted - fine-tune": "finetune",
    "- FixMatch": "fixmatch",
    "- generalist": "distill_generalist",
    "- equal": "pseudo_labels/equal",
}


def main(path: str) -> None:
    """Prints the table of the largest board below a path."""
    report = reports(collect([Path(path)]))[0]
    reached: dict[tuple[str, str], list[float]] = defaultdict(list)
    domains: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    sources = sources_of(registry().make("zoo", "mini"))
    for row in report.rows:
        if row.result is None:
            continue
        reached[row.method.id, row.task.id].append(row.result.accuracy)
        if row.method.id == OURS:
            learnt = row.result.sources
            for name, weight in zip(learnt.names, learnt.weight, strict=True):
                domains[row.task.id][sources[name].info.domain] += float(weight)
    print("| task | " + " | ".join(OTHERS) + " | heaviest domains |\n" + "| --- " * 6 + "|")
    for task in report.board.tasks:
        mean = {method: np.mean(reached[method, task]) for method in (OURS, *OTHERS.values())}
        gains = [f"{100 * (mean[OURS] - mean[other]):+.1f}" for other in OTHERS.values()]
        whole = sum(domains[task].values())
        heavy = sorted(domains[task].items(), key=lambda pair: -pair[1])[:3]
        shares = ", ".join(f"{name} {100 * weight / whole:.0f} %" for name, weight in heavy)
        print(f"| `{task.removeprefix('mini-')}` | " + " | ".join(gains) + f" | {shares} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
