"""Whether one suite's order of methods tells another's: Kendall's tau of their means.

    python docs/results/orders.py registry/results ONE.distbench.zip ANOTHER.distbench.zip

The first path is one side, the others the other. Methods count as the same whatever metric chose
their sources. The interval is a percentile one over tasks that are drawn again, on both sides by
themselves; methods stay the same ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

import distbench

DRAWS = 10_000


def means(*paths: Path) -> pd.DataFrame:
    """Mean accuracy over seeds: a line a method that is complete, a column a task."""
    rows = distbench.load(*paths).rows
    rows = rows[(rows.status == "done") & rows.role.eq("ranked")]
    rows = rows.assign(method=rows.method.str.replace(r"/(logme|parc)$", "", regex=True))
    return rows.pivot_table("accuracy", "method", "task").dropna()


def tau(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau of the means over tasks, of methods (m, t) and (m, u)."""
    return float(kendalltau(one.mean(1), other.mean(1)).statistic)


def main(first: Path, *others: Path) -> None:
    """Prints both orders, tau and its interval."""
    left, right = means(first), means(*others)
    methods = sorted(set(left.index) & set(right.index), key=lambda name: -left.loc[name].mean())
    one, other = left.loc[methods].to_numpy(), right.loc[methods].to_numpy()
    for name, here, there in zip(methods, one.mean(1), other.mean(1), strict=True):
        print(f"{name:40} {100 * here:5.1f} {100 * there:5.1f}")
    rng = np.random.default_rng(0)

    def again(of: np.ndarray) -> np.ndarray:
        return of[:, rng.integers(0, of.shape[1], of.shape[1])]

    drawn = [tau(again(one), again(other)) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(f"tau {tau(one, other):.2f}, 95 % {low:.2f} to {high:.2f}, {len(methods)} methods")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
