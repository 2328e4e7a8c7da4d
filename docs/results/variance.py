"""What the accuracy of a source is due to, its architecture or its domain: shares of variance.

    python docs/results/variance.py STUDY.json       of `distbench study` on suite mini
    python docs/results/variance.py controlled.csv   fine-tuning, as PARC's authors published it

Two-way analysis of variance without replication, task by task: the share of the sum of squares that
the means of the architectures explain, that the means of the domains explain, and the rest.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

Table = dict[str, dict[tuple[str, str], float]]
"""Task to (domain, architecture) to accuracy in percent."""


def of_study(path: Path) -> Table:
    """Means over seeds of a study; its sources are called DOMAIN-ARCHITECTURE."""
    found: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in json.loads(path.read_text(encoding="utf-8"))["reached"]:
        for source, accuracy in cell["sources"].items():
            domain, _, architecture = source.rpartition("-")
            found[cell["task"]][domain, architecture].append(100 * accuracy)
    return {t: {k: float(np.mean(v)) for k, v in by.items()} for t, by in found.items()}


def of_oracle(path: Path) -> Table:
    """``oracles/controlled.csv`` of https://github.com/dbolya/parc."""
    found: Table = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["Source Dataset"], row["Architecture"]
            found[row["Target Dataset"]][key] = float(row["Oracle"])
    return found


def shares(by_source: dict[tuple[str, str], float]) -> tuple[float, float, float]:
    """Shares of the sum of squares: architectures, domains, rest."""
    rows, columns = ({key[i] for key in by_source} for i in (0, 1))
    grid = np.array([[by_source[d, a] for a in sorted(columns)] for d in sorted(rows)])
    off = grid - grid.mean()
    architecture = len(rows) * float((off.mean(0) ** 2).sum())
    domain = len(columns) * float((off.mean(1) ** 2).sum())
    total = float((off**2).sum())
    return architecture / total, domain / total, 1 - (architecture + domain) / total


def main(path: Path) -> None:
    """Prints a Markdown table."""
    table = of_oracle(path) if path.suffix == ".csv" else of_study(path)
    print("| task | best | worst | architecture | domain | rest |\n|" + " --- |" * 6)
    for task, by_source in sorted(table.items()):
        best, worst = max(by_source, key=by_source.__getitem__), min(by_source.values())
        parts = " | ".join(f"{100 * share:.0f} %" for share in shares(by_source))
        print(f"| {task} | {'-'.join(best)} {by_source[best]:.1f} | {worst:.1f} | {parts} |")
    mean = np.mean([shares(by_source) for by_source in table.values()], axis=0)
    print(f"| mean | | | {' | '.join(f'{100 * share:.0f} %' for share in mean)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
