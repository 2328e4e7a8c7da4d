"""Nearest neighbours of all rows: searched fast in float32, decided in float64."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.spatial.distance import cdist

from distbench_builtin.shared.numerics.features import Array

Indices = NDArray[np.int64]
Distance = Literal["l2", "cosine", "cityblock"]
Pairs = tuple[Indices, Indices, Array]

TIE = 1e-12
"""Distances that agree to this share are equal: so far the order of summation moves them."""
_TILE = 1024
_CHUNK = 2**17
_CROWD = 16
"""Candidates per neighbour above which float32 is too coarse for these rows."""


def nearest(x: Array, k: int, distance: Distance, *, measured: bool) -> Pairs:
    """Pairs (i, j), i != j, and their distances: for each i at least its k nearest and their ties.

    Distances are squared, but for cityblock; cosine's are those of the rows, of length 1 or 0.

    Args:
        x: (n, d), n > k.
        k: How many neighbours.
        distance: Kind of distance.
        measured: False to leave the distances from an i with k candidates, whose nearest are
            certain without them, at 0.
    """
    if distance == "cityblock":
        return _cityblock(x, k)
    i, j = _candidates(x, k, centred=distance == "l2")
    count = np.bincount(i, minlength=len(x))  # (pairs,) -> (n,)
    open_ = np.flatnonzero(count[i] > (0 if measured else k))
    result = np.zeros(len(i))
    result[open_] = _squared(x, i[open_], j[open_])
    if distance == "cosine":
        nothing = np.flatnonzero(~x.any(axis=1))  # has cosine 0 with the others
        result[open_[np.isin(i[open_], nothing) | np.isin(j[open_], nothing)]] = 2
    return i, j, result


def _candidates(x: Array, k: int, *, centred: bool) -> tuple[Indices, Indices]:
    """Pairs (i, j): all j that can be among the k nearest of i, ties included.

    Squared distances are ``|x|^2 + |y|^2 - 2 x.y``, whose round-off has a bound; what is within
    the bound of the k-th nearest is a candidate. Where float32 leaves many, float64 is taken.
    """
    pairs = _search(*_rows(x, np.float32, centred=centred), k, limit=_CROWD * k * len(x))
    if pairs is None:
        pairs = _search(*_rows(x, np.float64, centred=centred), k, limit=len(x) ** 2)
    assert pairs is not None
    return pairs


def _rows(x: Array, dtype: DTypeLike, *, centred: bool) -> tuple[NDArray[Any], Array]:
    """Rows of size about 1, and their squared lengths in float64.

    Rows that are not to be centred are of length 1. One that is 0 is said to be so too, which puts
    it as far from the others as one orthogonal to them.
    """
    if not centred:
        return x.astype(dtype), np.ones(len(x))
    mean = x.mean(axis=0)
    factor = np.exp2(min(1000, -np.frexp(max(x.max(), -x.min()))[1]))
    rows, norms = np.empty(x.shape, dtype), np.empty(len(x))
    height = max(1, _CHUNK // x.shape[1])
    for start in range(0, len(x), height):
        part = slice(start, start + height)
        chunk = x[part] - mean
        chunk *= factor
        norms[part] = np.einsum("nd,nd->n", chunk, chunk)
        rows[part] = chunk
    return rows, norms


def _search(rows: NDArray[Any], norms: Array, k: int, limit: int) -> tuple[Indices, Indices] | None:
    """`_candidates` in the precision of the rows; None where there are more than `limit`."""
    n, d = rows.shape
    kind, unit = rows.dtype, np.finfo(rows.dtype).eps
    # Bounds the sum of d products of rounded numbers; twice, as two such sums are compared.
    slack = 2 * (d + 8) * unit * np.sqrt(norms * norms.max()) + 8 * unit * norms.max()
    slack = (slack + np.finfo(np.float32).tiny).astype(kind)
    half = (norms / 2).astype(kind)
    best = np.full((n, k), -np.inf, kind)  # minus half squared distances
    candidates: list[tuple[Indices, Indices, NDArray[Any]]] = []
    total = 0
    for start in range(0, n, _TILE):
        own = slice(start, start + _TILE)
        for begin in range(start, n, _TILE):
            other = slice(begin, begin + _TILE)
            close = rows[own] @ rows[other].T
            close -= half[own, None]
            close -= half[other]
            if begin == start:
                np.fill_diagonal(close, -np.inf)
                sides = [(own, other, close)]
            else:
                sides = [(own, other, close), (other, own, close.T)]
            for these, those, block in sides:
                best[these] = _largest(best[these], block, k)
                i, j = _places(block, best[these].min(axis=1) - slack[these])
                candidates.append((i + these.start, j + those.start, block[i, j]))
                total += len(i)
                if total > limit:
                    return None
    i, j, value = (np.concatenate(part) for part in zip(*candidates, strict=True))
    kept = value >= (best.min(axis=1) - slack)[i]
    return i[kept], j[kept]


def _largest(known: NDArray[Any], block: NDArray[Any], k: int) -> NDArray[Any]:
    """The k largest numbers of each row of both."""
    if k == 1:
        return np.asarray(np.maximum(known, block.max(axis=1, keepdims=True)))
    both = np.concatenate([known, block], axis=1)  # (b, k), (b, m) -> (b, k + m)
    return np.asarray(np.partition(both, -k, axis=1)[:, -k:])  # (b, k)


def _places(block: NDArray[Any], least: NDArray[Any]) -> tuple[Indices, Indices]:
    """Rows and columns of what is at least so large as asked for in its row."""
    if block.flags.c_contiguous:
        i, j = np.divmod(np.flatnonzero(block >= least[:, None]), block.shape[1])
    else:
        j, i = np.divmod(np.flatnonzero(least <= block.T), block.shape[0])
    return i, j


def _squared(x: Array, i: Indices, j: Indices) -> Array:
    """Squared distances by the differences of rows; equal pairs of rows give equal numbers."""
    result = np.empty(len(i))
    height = max(1, _CHUNK // x.shape[1])
    for start in range(0, len(i), height):
        part = slice(start, start + height)
        gap = x[i[part]]  # (p, d)
        gap -= x[j[part]]
        result[part] = np.einsum("nd,nd->n", gap, gap)
    return result


def _cityblock(x: Array, k: int) -> Pairs:
    """`nearest` by sums of absolute differences, for which there is no matrix product."""
    candidates: list[Pairs] = []
    height = max(1, _TILE**2 // len(x))
    for start in range(0, len(x), height):
        own = np.arange(start, min(len(x), start + height))
        block = cdist(x[own], x, "cityblock")  # (b, d), (n, d) -> (b, n)
        block[own - start, own] = np.inf
        kth = np.partition(block, k - 1, axis=1)[:, k - 1]  # (b, n) -> (b,)
        i, j = np.nonzero(block <= kth[:, None] * (1 + 2 * TIE))
        candidates.append((i + start, j, block[i, j]))
    i, j, value = (np.concatenate(part) for part in zip(*candidates, strict=True))
    return i, j, value
