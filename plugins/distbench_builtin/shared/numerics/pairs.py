"""Correlations of all pairs of images, a few at a time, for metrics that rank or compare them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from distbench import Probe
from distbench_builtin.shared.numerics.features import Array

Floats = NDArray[np.floating]
Counts = NDArray[np.int64]

EXACT = 2**21
"""Up to so many pairs are sorted; more are counted in `STEPS` steps, a tile at a time."""
FINE, STEPS = 2**40, 2**18
"""Steps between a correlation of 0 and of 1, sorted and counted; those on one step are ties."""
_HEIGHT, _WIDTH = 1024, 4096
_CHUNK = 2**17
"""Numbers worked on at a time, so that they stay in the processor's cache."""


def correlation_rows(probe: Probe) -> Array:
    """`unit_rows` of the features, whose products are Pearson correlations of images."""
    return unit_rows(probe.features)


def reference_rows(probe: Probe) -> Array:
    """`unit_rows` of the reference features."""
    return unit_rows(probe.reference)


def unit_rows(
    x: Floats,
    *,
    less_mean: bool = True,
    order: Counts | None = None,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Features z-scored by column, then every row brought to length 1.

    Args:
        x: (n, d).
        less_mean: Take the mean of each row off first: products are then Pearson correlations,
            else cosines.
        order: (n,), the order the rows are wanted in.
        dtype: Precision of the result; everything is computed in float64.

    Returns:
        (n, d), read-only; a row that is 0, or constant where its mean is taken off, is 0.
    """
    d = x.shape[1]
    mean, factor = zscoring(x)  # (d,), (d,)
    rows = np.empty(x.shape, dtype)
    for part in _chunks(x):
        chunk = (x[part] if order is None else x[order[part]]) - mean
        chunk *= factor
        level = chunk.mean(axis=1) if less_mean else np.zeros(len(chunk))  # (b, d) -> (b,)
        if less_mean:
            chunk -= level[:, None]
        norm = np.sqrt(np.einsum("nd,nd->n", chunk, chunk))
        # Entries are of size 1, but where an image is average they are round-off around 0.
        flat = norm <= 1e-8 * np.sqrt(d) * np.maximum(np.abs(level), 1)
        np.multiply(
            chunk,
            np.where(flat, 0, 1 / np.where(flat, 1, norm))[:, None],
            out=rows[part],
            casting="same_kind",
        )
    rows.flags.writeable = False
    return rows


def zscoring(x: Floats) -> tuple[Array, Array]:
    """Mean and inverse standard deviation (ddof 0) of each column, both (d,).

    The inverse is 0 for a constant column, which z-scoring turns to 0.
    """
    n = len(x)
    mean: Array = x.mean(axis=0, dtype=np.float64)
    squares = np.zeros(x.shape[1])
    for part in _chunks(x):
        chunk = x[part] - mean
        squares += np.einsum("nd,nd->d", chunk, chunk)
    spread = np.sqrt(squares / n)
    # The mean of equal numbers is off by round-off, so a constant column has a tiny spread.
    constant = spread <= n * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(constant, 0, 1 / np.where(constant, 1, spread))


def upper(rows: Floats) -> NDArray[Any]:
    """Products of each pair of rows once, (n (n - 1) / 2,), pair (0, 1) first."""
    product: NDArray[Any] = (rows @ rows.T)[above_diagonal(len(rows))]  # (n, n) -> (n (n - 1) / 2,)
    return product


def above_diagonal(n: int) -> NDArray[np.bool_]:
    """Mask (n, n) of the places above the diagonal."""
    return np.triu(np.ones((n, n), dtype=np.bool_), k=1)


def tiles(n: int) -> Iterator[tuple[slice, slice]]:
    """Pairs of slices of rows that meet every pair of rows once.

    The two slices are the same, where `above_diagonal` counts, or the second comes after the first.
    """
    for start in range(0, n, _HEIGHT):
        own = slice(start, min(n, start + _HEIGHT))
        yield own, own
        for begin in range(own.stop, n, _WIDTH):
            yield own, slice(begin, min(n, begin + _WIDTH))


def tile(rows: Floats, own: slice, other: slice) -> NDArray[np.int32]:
    """Numbers 0..2 `STEPS` + 1 of the steps on which correlations of float32 rows fall."""
    close = rows[own] @ rows[other].T  # (a, d) @ (d, b) -> (a, b)
    close *= STEPS
    close += STEPS + 0.5
    return close.astype(np.int32)


def _chunks(x: Floats) -> Iterator[slice]:
    height = max(1, _CHUNK // x.shape[1])
    for start in range(0, len(x), height):
        yield slice(start, start + height)
