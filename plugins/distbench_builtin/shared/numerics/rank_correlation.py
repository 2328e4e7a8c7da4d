"""Spearman's rank correlation of two models' correlations between images, over all pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from distbench_builtin.shared.numerics import pairs as _pairs
from distbench_builtin.shared.numerics.features import Array
from distbench_builtin.shared.numerics.pairs import Floats


def of_pairs(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Inner product and squares of the centred midranks of the products of rows, each pair once.

    Up to `EXACT` pairs are sorted, rows float64; more are counted, rows float32.

    Args:
        x: (n, d), rows of length 1.
        y: (n, e), rows of length 1.
    """
    if x.dtype == np.float64:
        return _sorted(x, y)
    return _counted(x, y)


def _sorted(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Inner product and squares of the centred midranks of the correlations."""
    ranks = []
    for rows in (x, y):
        steps = np.rint(_pairs.upper(rows) * _pairs.FINE)
        ranks.append(rankdata(steps) - (len(steps) + 1) / 2)  # (pairs,)
    a, b = ranks
    return float(a @ b), float(a @ a), float(b @ b)


def _counted(x: Floats, y: Floats) -> tuple[float, float, float]:
    """The same for float32 rows, by counting first and computing the correlations again."""
    size = 2 * _pairs.STEPS + 2
    counts = np.zeros((2, size), dtype=np.int64)
    for own, other in _pairs.tiles(len(x)):
        for count, rows in zip(counts, (x, y), strict=True):
            count += np.bincount(_steps(rows, own, other), minlength=size)
    pairs = int(counts[0].sum())
    ranks: Array = np.cumsum(counts, axis=1) - (counts + pairs) / 2  # (2, steps)
    left, right = (float((c * r) @ r) for c, r in zip(counts, ranks, strict=True))
    inner = 0.0
    for own, other in _pairs.tiles(len(x)):
        inner += float(ranks[0][_steps(x, own, other)] @ ranks[1][_steps(y, own, other)])
    return inner, left, right


def _steps(rows: Floats, own: slice, other: slice) -> NDArray[np.int32]:
    """Steps of the correlations of a tile, each pair once, in one row."""
    steps = _pairs.tile(rows, own, other)
    return steps[_pairs.above_diagonal(len(steps))] if own == other else steps.ravel()
