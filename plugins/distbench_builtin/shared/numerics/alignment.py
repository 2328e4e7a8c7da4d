"""Cosines of centred Gram matrices, biased and debiased, without an (n, n) matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distbench import Declined, Labels, Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics.features import Array

_NOTHING = 1e-12
"""Share of a norm below which the debiased norm is round-off."""


class Kernel(NamedTuple):
    """What a cosine needs of one Gram matrix K of centred rows, divided by its trace.

    Attributes:
        trace: Trace of K before it was divided; 0 where the rows do not vary.
        diagonal: (n,), squared lengths of the rows, adding up to 1.
        square: Squared Frobenius norm.
    """

    trace: float
    diagonal: Array
    square: float


class Side(NamedTuple):
    """Rows with their Gram matrix.

    Attributes:
        rows: (n, d), centred.
        gram: The smaller of their Gram matrices: (n, n) where n < d, else (d, d).
        kernel: What it amounts to.
    """

    rows: Array
    gram: Array
    kernel: Kernel


def of_features(probe: Probe) -> Side:
    """The features; for use with `Probe.shared`."""
    return _side(probe.shared(_features.centred), probe.shared(_features.centred_gram))


def of_reference(probe: Probe) -> Side:
    """The reference features; for use with `Probe.shared`."""
    return of_rows(probe.reference)


def of_rows(x: NDArray[np.floating]) -> Side:
    """Any rows (n, d); they are centred here."""
    rows: Array = x - x.mean(axis=0, dtype=np.float64)
    rows[:, x.max(axis=0) == x.min(axis=0)] = 0
    # (n, n) or (d, d)
    return _side(rows, rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows)


def of_labels(labels: Labels) -> Kernel:
    """One-hot labels, or 0 and 1 of several classes an image; for use with `Labels.shared`."""
    if labels.several:
        return of_rows(labels.onehot).kernel
    n, counts = len(labels), labels.counts.astype(np.float64)
    squares = float(counts @ counts)
    trace = n - squares / n
    diagonal = 1 - 2 * counts / n + squares / n**2
    square = squares - 2 * float((counts**3).sum()) / n + (squares / n) ** 2
    return Kernel(trace, diagonal[labels.ids] / trace, square / trace**2)  # (C,)[(n,)] -> (n,)


def product(left: Side, right: Side) -> float:
    """Frobenius inner product of the two Gram matrices, each over its trace."""
    n = len(left.rows)
    a, b = left.kernel.trace, right.kernel.trace
    if n < min(left.rows.shape[1], right.rows.shape[1]):
        return float(np.vdot(left.gram / a, right.gram / b))
    cross = (left.rows.T @ right.rows) / np.sqrt(a) / np.sqrt(b)  # (d, n) @ (n, e) -> (d, e)
    return float(np.vdot(cross, cross))


def product_with_labels(features: Kernel, sums: Array, labels: Kernel) -> float:
    """The same for features against one-hot labels, by the class sums of the centred features."""
    scaled = sums / np.sqrt(features.trace)
    return float(np.vdot(scaled, scaled)) / labels.trace


def cosine(inner: float, left: Kernel, right: Kernel, *, debiased: bool) -> float:
    """Inner product over norms.

    Debiased, each inner product is that of the matrices without their diagonals, centred such
    that rows without the diagonal add up to 0 (Szekely & Rizzo 2014). Of matrices that were
    centred before it is ``<K, L> - n/(n-2) k'l + tr K tr L / ((n-1)(n-2))``, with k and l their
    diagonals.

    Args:
        inner: `product` of the two.
        left: Of the features.
        right: Of what they are compared with.
        debiased: Whether to debias.

    Raises:
        Declined: A debiased norm is 0, or there are too few images for one.
    """
    if not debiased:
        return inner / float(np.sqrt(left.square * right.square))
    n = len(left.diagonal)
    if n < 4:
        raise Declined(f"the debiased form needs at least 4 images, got {n}")

    def less_bias(value: float, first: Kernel, second: Kernel) -> float:
        off = float(first.diagonal @ second.diagonal)
        return value - n / (n - 2) * off + 1 / ((n - 1) * (n - 2))

    norms = less_bias(left.square, left, left), less_bias(right.square, right, right)
    if norms[0] <= _NOTHING * left.square:
        raise Declined("debiased, the features set no pair of images apart from the others")
    if norms[1] <= _NOTHING * right.square:
        raise Declined("debiased, what the features are compared with sets no pair of images apart")
    return less_bias(inner, left, right) / float(np.sqrt(norms[0] * norms[1]))


def _side(rows: Array, gram: Array) -> Side:
    diagonal = np.einsum("nd,nd->n", rows, rows)
    trace = float(diagonal.sum())
    if not trace > 0:
        return Side(rows, gram, Kernel(0.0, diagonal, 0.0))
    scaled = gram / trace  # the square of large features' squares fits no float64
    return Side(rows, gram, Kernel(trace, diagonal / trace, float(np.vdot(scaled, scaled))))
