"""A graph of images by the features of several sources, and labels that spread over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench_builtin.shared.numerics.near_pairs import all_pairs

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

EXACT = 50_000
"""Images up to which all are compared with all."""
_BLOCK = 1024
"""Images whose similarities to all others are held at a time."""
_LARGEST = 2**28
"""Numbers of a table of features; a larger one is projected at random to fit."""
_LEAST = 512
"""Dimensions that a projection keeps at least."""


def joint_features(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    positions: NDArray[np.int64],
    seed: int = 0,
) -> NDArray[np.float32]:
    """Features of several sources beside one another, of unit length.

    Each source's are standardised over the images and scaled so that the inner product of two
    images is the weighted mean of the sources' mean products; a table too large for memory is
    projected at random, which keeps inner products but for noise.

    Args:
        features: (n, d_s) of each source.
        weights: Of each source, >= 0.
        positions: Which of the n images, (p,).
        seed: Of the projection.

    Returns:
        float32 (p, d).
    """
    width = sum(x.shape[1] for x in features)
    kept = dimensions_kept(len(positions))
    draw = np.random.default_rng(seed) if width > kept else None
    total = sum(weights)
    parts: list[NDArray[np.float32]] = []
    for x, weight in zip(features, weights, strict=True):
        part = standardised(x, positions, weight / total)  # (p, d_s)
        if draw is not None:
            matrix = draw.standard_normal((part.shape[1], kept), dtype=np.float32)
            part = part @ (matrix / np.sqrt(np.float32(kept)))  # (p, d_s) @ (d_s, kept)
            parts = [parts[0] + part] if parts else [part]
        else:
            parts.append(part)
    joint = np.hstack(parts)  # (p, d_1), (p, d_2), ... -> (p, d)
    unit: NDArray[np.float32] = joint / np.maximum(
        np.linalg.norm(joint, axis=1, keepdims=True), 1e-12
    )
    return unit


def dimensions_kept(images: int) -> int:
    """Dimensions of joint features of so many images at most."""
    return max(_LARGEST // max(images, 1), _LEAST)


def standardised(
    x: NDArray[np.floating], positions: NDArray[np.int64], share: float = 1.0
) -> NDArray[np.float32]:
    """One source's features (p, d): mean 0 and variance share / d in every dimension."""
    part: NDArray[np.float32] = np.asarray(x[positions], dtype=np.float32)  # (p, d)
    part = part - part.mean(0)
    spread = part.std(0)  # (p, d) -> (d,)
    part *= np.sqrt(share / part.shape[1]) / np.where(spread > 1e-6, spread, 1)
    return part


def neighbour_graph(
    x: NDArray[np.float32], neighbours: int, device: torch.device | None = None
) -> csr_matrix:
    """The graph of `tied` by the cosines of all pairs, exact, by blocks.

    Args:
        x: (n, d), of unit length.
        neighbours: As in `tied`.
        device: An accelerator that compares them; None for this processor.
    """
    if device is not None:
        return joined(*all_pairs(x, min(neighbours, len(x) - 1), device))
    blocks = (x[start : start + _BLOCK] @ x.T for start in range(0, len(x), _BLOCK))
    return tied(blocks, neighbours)


def tied(blocks: Iterable[NDArray[np.float32]], neighbours: int) -> csr_matrix:
    """The graph of `joined` by cosines.

    Args:
        blocks: Cosines of some images to all, (b, n), one block of rows after the other; they are
            written to.
        neighbours: How many; all others where there are fewer.
    """
    columns: list[NDArray[np.int64]] = []
    cosines: list[NDArray[np.float32]] = []
    start = 0
    for near in blocks:
        own = np.arange(len(near))
        near[own, start + own] = -np.inf
        k = min(neighbours, near.shape[1] - 1)
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]  # (b, n) -> (b, k)
        columns.append(best)
        cosines.append(np.take_along_axis(near, best, 1))  # (b, k)
        start += len(near)
    return joined(np.concatenate(columns), np.concatenate(cosines))


def joined(
    columns: NDArray[np.int64], cosines: NDArray[np.float32], power: float = 3.0
) -> csr_matrix:
    """Symmetric, normalised graph D^-1/2 (A + A') D^-1/2 of nearest neighbours.

    A has max(0, cosine)^power for the nearest images of each, itself left out.

    Args:
        columns: Nearest images of each, (n, k).
        cosines: To these, (n, k).
        power: Raised, near ones count the more.
    """
    from scipy.sparse import csr_matrix, diags

    n, k = columns.shape
    values = np.maximum(cosines, 0).astype(np.float64).ravel() ** power
    starts = np.arange(0, n * k + 1, k)
    graph = csr_matrix((values, columns.ravel(), starts), (n, n))
    graph.sort_indices()
    graph = graph + graph.T
    scale = diags(1 / np.sqrt(np.maximum(np.asarray(graph.sum(1)).ravel(), 1e-12)))  # (n, n)
    return (scale @ graph @ scale).tocsr()


def propagate(
    graph: csr_matrix,
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    spread: float,
) -> NDArray[np.float64]:
    """Class probabilities (n, classes) of all images, from the labels of some.

    Zhou et al., "Learning with Local and Global Consistency", NIPS 2003: F = (I - spread S)^-1 Y.
    The columns are then scaled to the frequencies of the classes among the labels, as in class
    mass normalisation (Zhu, Ghahramani and Lafferty, ICML 2003), and the rows to 1; an image that
    no label reaches gets those frequencies.

    Args:
        graph: S, (n, n).
        known: Images with labels, (l,).
        labels: Theirs, (l,).
        classes: How many there are.
        spread: Share of an image's value that comes from its neighbours, 0..1.
    """
    from scipy.sparse import identity
    from scipy.sparse.linalg import cg

    n = graph.shape[0]
    system = identity(n, format="csr") - spread * graph
    prior = np.bincount(labels, minlength=classes) / len(labels)  # (l,) -> (C,)
    reached = np.zeros((n, classes))
    for label in np.flatnonzero(prior):
        given = np.zeros(n)
        given[known[labels == label]] = 1
        solved, _ = cg(system, given, rtol=1e-8, maxiter=1000)  # (n, n) \ (n,) -> (n,)
        solved = np.maximum(solved, 0)
        reached[:, label] = solved * (prior[label] / solved.sum())
    mass = reached.sum(1, keepdims=True)  # (n, C) -> (n, 1)
    return np.where(mass > 1e-12, reached / np.maximum(mass, 1e-12), prior)
