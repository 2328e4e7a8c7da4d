"""PHI-S: features turned and scaled so that all dimensions vary alike, and no more than that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BLOCK = 4096
"""Images whose features are held in double precision at a time."""


class PhiS(torch.nn.Module):
    """x' = (x - mean) U R' / phi, with U the principal axes and phi the root of the mean variance.

    Ranzinger, Barker, Heinrich, Molchanov, Catanzaro and Tao, "PHI-S: Distribution Balancing for
    Label-Free Multi-Teacher Distillation", 2024 (PCA, Hadamard, isotropic, standardised): R is a
    Hadamard matrix over sqrt(d), every entry of which has the same size, so that each dimension has
    the same share of each principal axis. All dimensions then have variance 1, while lengths and
    angles keep their proportions, which standardising each by itself would not do. Where there is
    no such matrix of d rows by the constructions of Sylvester and Paley, R is another rotation with
    the same outcome, `levelling`; that is ours.

    Args:
        parts: Features (n, d), perhaps memory-mapped, and positions of the rows that count.
    """

    def __init__(self, parts: Sequence[tuple[NDArray[np.floating], NDArray[np.int64]]]) -> None:
        super().__init__()
        mean, covariance = _moments(parts)
        values, axes = np.linalg.eigh(covariance)  # (d,), (d, d)
        values = np.maximum(values, 0)
        matrix = hadamard(len(values))
        rotation = levelling(values) if matrix is None else matrix / np.sqrt(len(values))
        scale = np.sqrt(values.mean()) or 1.0
        self.mean: torch.Tensor
        self.turn: torch.Tensor
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        turn = (axes @ rotation.T / scale).astype(np.float32)
        self.register_buffer("turn", torch.from_numpy(turn))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Standardised features (b, d) of features (b, d)."""
        with torch.autocast(features.device.type, enabled=False):
            return (features.float() - self.mean) @ self.turn  # (b, d) @ (d, d)


def _moments(
    parts: Sequence[tuple[NDArray[np.floating], NDArray[np.int64]]],
) -> tuple[Array, Array]:
    """Mean (d,) and covariance (d, d) of chosen rows, read block by block."""
    blocks = [
        (features, chosen[start : start + _BLOCK])
        for features, chosen in parts
        for start in range(0, len(chosen), _BLOCK)
    ]
    count = sum(len(chosen) for _, chosen in parts)
    width = parts[0][0].shape[1]
    mean, covariance = np.zeros(width), np.zeros((width, width))
    for features, chosen in blocks:
        mean += np.asarray(features[chosen], np.float64).sum(axis=0) / count
    for features, chosen in blocks:
        centred = np.asarray(features[chosen], np.float64) - mean
        covariance += centred.T @ centred / count  # (d, b) @ (b, d)
    return mean, covariance


def hadamard(n: int) -> Array | None:
    """A matrix (n, n) of 1 and -1 with orthogonal rows; None where neither construction has one.

    Of Paley's first kind where n - 1 is a prime, else doubled as Sylvester did.
    """
    if n == 1:
        return np.ones((1, 1))
    if n > 2 and n % 4:
        return None
    if n > 2 and all((n - 1) % k for k in range(2, int((n - 1) ** 0.5) + 1)):
        return _paley(n - 1)
    half = hadamard(n // 2)
    return None if half is None else np.kron(np.array([[1.0, 1.0], [1.0, -1.0]]), half)


def _paley(q: int) -> Array:
    """Of q + 1 rows, for a prime q = 3 mod 4: the identity and the squares modulo q."""
    character = np.full(q, -1.0)
    character[np.arange(1, q) ** 2 % q] = 1
    character[0] = 0
    matrix = np.ones((q + 1, q + 1))
    matrix[1:, 0] = -1
    matrix[1:, 1:] = character[np.subtract.outer(np.arange(q), np.arange(q)) % q]
    matrix[1:, 1:] += np.eye(q)
    return matrix


def levelling(values: Array) -> Array:
    """A rotation R (d, d) for which all of R diag(values) R' is the mean on the diagonal.

    Plane rotations of the largest and the smallest value that are left, so that one of the two
    becomes the mean (Chan and Li, "Diagonal elements and eigenvalues of a real symmetric matrix",
    1983).
    """
    left, mean = values.astype(np.float64), values.mean()
    rotation = np.eye(len(values))
    open_ = list(range(len(values)))
    while len(open_) > 1:
        high, low = max(open_, key=left.__getitem__), min(open_, key=left.__getitem__)
        if high == low or left[high] - left[low] <= 1e-15 * abs(mean):
            break
        # cos^2 high + sin^2 low = mean
        sine = np.sqrt(np.clip((left[high] - mean) / (left[high] - left[low]), 0, 1))
        cosine = np.sqrt(1 - sine**2)
        rows = rotation[[high, low]]
        rotation[high] = cosine * rows[0] + sine * rows[1]
        rotation[low] = cosine * rows[1] - sine * rows[0]
        left[low] = left[high] + left[low] - mean
        left[high] = mean
        open_.remove(high)
    return rotation
