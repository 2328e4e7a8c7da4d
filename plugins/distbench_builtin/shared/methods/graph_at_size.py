"""Labels that spread over a graph of more images than can be compared all with all."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench_builtin.shared.methods.graph import dimensions_kept, joined
from distbench_builtin.shared.numerics.near_pairs import near_cells

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

    Product = Callable[[torch.Tensor], torch.Tensor]

_IN_MEMORY = 2**30
"""Bytes of a table; a larger one lies in a file that is gone with the process."""
_ROWS = 8192
"""Images whose features or labels are brought to float32 at a time."""
_COLUMNS = 2**25
"""Numbers of a block of classes that is solved for at once."""
_CLOSE = 1e-6
_MOST_STEPS = 300


def near_graph(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    positions: NDArray[np.int64],
    neighbours: int,
    seed: int,
    accelerator: torch.device | None,
) -> csr_matrix:
    """The graph that `graph.neighbour_graph` gives of `graph.joint_features`, but approximate.

    Neighbours are sought among the images of near cells, see `near_cells`; memory is that of one
    table of joint features in float16.

    Args:
        features: (n, d_s) of each source, perhaps memory-mapped.
        weights: Of each source, >= 0.
        positions: Which of the n images, (p,), ascending.
        neighbours: How many.
        seed: Of projection and cells.
        accelerator: Compares; None for this processor.
    """
    table = joint_table(features, weights, positions, seed)
    return joined(*near_cells(table, neighbours, accelerator, seed))


def joint_table(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    positions: NDArray[np.int64],
    seed: int,
) -> NDArray[np.float16]:
    """As `graph.joint_features`, made some images at a time: float16 (p, d)."""
    total = sum(weights)
    width = sum(x.shape[1] for x in features)
    kept = dimensions_kept(len(positions))
    draw = np.random.default_rng(seed) if width > kept else None
    ways = []
    for x, weight in zip(features, weights, strict=True):
        mean, spread = _moments(x, positions)
        scale = np.sqrt(weight / total / x.shape[1]) / np.where(spread > 1e-6, spread, 1)
        matrix = None
        if draw is not None:
            matrix = draw.standard_normal((x.shape[1], kept), dtype=np.float32)
            matrix *= (scale / np.sqrt(kept)).astype(np.float32)[:, None]
        ways.append((x, mean, scale.astype(np.float32), matrix))
    joint = np.empty((len(positions), min(width, kept)), dtype=np.float16)
    for start in range(0, len(positions), _ROWS):
        some = positions[start : start + _ROWS]
        parts = []
        for x, mean, scale, matrix in ways:
            part = np.asarray(x[some], dtype=np.float32) - mean  # (b, d_s)
            parts.append(part * scale if matrix is None else part @ matrix)
        rows = np.hstack(parts) if draw is None else np.sum(parts, axis=0)  # (b, d)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        joint[start : start + _ROWS] = rows
    return joint


def _moments(
    x: NDArray[np.floating], positions: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Mean and standard deviation of every dimension, (d,) each."""
    shift = np.asarray(x[positions[:_ROWS]], dtype=np.float64).mean(0)
    first, second = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for start in range(0, len(positions), _ROWS):
        rows = np.asarray(x[positions[start : start + _ROWS]], dtype=np.float64) - shift
        first += rows.sum(0)
        second += np.einsum("nd,nd->d", rows, rows)
    mean = first / len(positions)
    spread = np.sqrt(np.maximum(second / len(positions) - mean**2, 0))
    return (shift + mean).astype(np.float32), spread


def spread_targets(
    graph: csr_matrix,
    pool: NDArray[np.int64],
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    *,
    spread: float,
    certainty: float,
    rows: int,
    accelerator: torch.device | None,
) -> NDArray[np.float32]:
    """Class probabilities as `graph.propagate` has them, to a power, some classes at a time.

    Args:
        graph: S, (p, p).
        pool: Positions of its images among all, (p,).
        known: Images of the graph with labels, (l,).
        labels: Theirs, (l,).
        classes: How many there are, C.
        spread: Share of an image's value that comes from its neighbours, 0..1.
        certainty: Power of the probabilities.
        rows: How many images there are, n.
        accelerator: Solves; None for this processor.

    Returns:
        (n, C), each row of the pool's images of sum 1, the others 0.
    """
    prior = np.bincount(labels, minlength=classes) / len(labels)  # (l,) -> (C,)
    present = np.flatnonzero(prior)
    reached = _table((len(present), len(pool)))
    for some, solved in _solved(graph, known, labels, present, spread, accelerator):
        share = prior[present[some]] / np.maximum(solved.sum(0, dtype=np.float64), 1e-30)
        reached[some] = (solved * share.astype(np.float32)).T  # (p, b) -> (b, p)
    result = _table((rows, classes))
    for start in range(0, len(pool), _ROWS):
        block = np.zeros((len(pool[start : start + _ROWS]), classes))
        block[:, present] = reached[:, start : start + _ROWS].T
        mass = block.sum(1, keepdims=True)  # (b, C) -> (b, 1)
        block = np.where(mass > 1e-12, block / np.maximum(mass, 1e-12), prior) ** certainty
        result[pool[start : start + _ROWS]] = block / block.sum(1, keepdims=True)
    result[pool[known]] = np.eye(classes, dtype=np.float32)[labels]
    return result


def _solved(
    graph: csr_matrix,
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    present: NDArray[np.int64],
    spread: float,
    accelerator: torch.device | None,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """(I - spread S)^-1 y of each class that has labels: which, and values (p, b) >= 0."""
    import torch

    product = _product(graph, accelerator)
    width = max(1, _COLUMNS // graph.shape[0])
    for first in range(0, len(present), width):
        some = slice(first, first + width)
        given = torch.zeros(graph.shape[0], len(present[some]))
        for column, label in enumerate(present[some]):
            given[torch.from_numpy(known[labels == label]), column] = 1
        found = _conjugate_gradients(product, spread, given.to(accelerator))
        yield some, found.clamp_(min=0).cpu().numpy()


def _product(graph: csr_matrix, accelerator: torch.device | None) -> Product:
    """The product of a graph and a matrix, in float32; the graph is brought to its device once."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse", UserWarning)  # torch calls the form beta
        sparse = torch.sparse_csr_tensor(
            torch.from_numpy(graph.indptr),
            torch.from_numpy(graph.indices),
            torch.from_numpy(graph.data.astype(np.float32)),
            size=graph.shape,
        ).to(accelerator)
    return lambda dense: sparse @ dense


def _conjugate_gradients(product: Product, spread: float, given: torch.Tensor) -> torch.Tensor:
    """(I - spread S)^-1 of every column of (p, b) at once."""
    found = given.new_zeros(given.shape)
    rest = given.clone()
    way = given.clone()
    length = _squares(rest, rest)  # (p, b) -> (b,)
    goal = _CLOSE**2 * length
    for _ in range(_MOST_STEPS):
        ahead = way - spread * product(way)
        step = (length / _squares(way, ahead).clamp_(min=1e-30)).to(given.dtype)
        found += step * way
        rest -= step * ahead
        left = _squares(rest, rest)
        if bool((left <= goal).all()):
            break
        way = rest + (left / length.clamp(min=1e-30)).to(given.dtype) * way
        length = left
    return found


def _squares(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    import torch

    return (one * other).sum(0, dtype=torch.float64)


def _table(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Zeros in memory, or in a nameless file of the system's folder for temporary ones."""
    if 4 * shape[0] * shape[1] <= _IN_MEMORY:
        return np.zeros(shape, dtype=np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
