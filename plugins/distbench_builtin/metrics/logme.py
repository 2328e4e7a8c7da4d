"""LogME: how probable the labels are under a Bayesian linear model of the features."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import eigh_tridiagonal, lapack

from distbench import Metric, Probe

Array = NDArray[np.float64]

_AUTHORS_STEPS = 11
_AUTHORS_TOLERANCE = 1e-3
_AUTHORS_EPSILON = 1e-5
_RESOLUTION = 1e-12
"""Share of a target's square that float64 cannot tell from a perfect fit."""


class LogME(Metric):
    """Log maximum evidence of the labels given the features, by Bayesian linear regression.

    You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML
    2021. For the one-hot column t of each class that occurs: evidence of ``t ~ N(Xw, I/b)``,
    ``w ~ N(0, I/a)``, maximised over a and b, per image; the score is the mean over the classes::

        1/n [ D/2 ln a + n/2 ln b - 1/2 sum_i ln(a + b s_i) - b/2 |t - Xm|^2 - a/2 |m|^2
              - n/2 ln 2 pi ]

    with s_i all D eigenvalues of X'X, those that are 0 included; leaving them out, as the authors'
    code does where n < D, makes wide features win. X is neither centred nor scaled.

    Range: unbounded, mostly -1..1. Unchanged by rotating and, when converged, by scaling the
    features. A class of which the features know nothing (a/b to infinity) has the evidence of
    ``t ~ N(0, I/b)``, and so have features that are all 0. A perfect fit by fewer than n
    dimensions has infinite evidence; it is held at a residual of 1e-12.

    Needs features. Cost: O(n D min(n, D)), mostly one symmetric eigenproblem of size min(n, D).
    """

    stopping: Literal["converged", "authors"] = Field(
        "converged",
        description="maximise the evidence, or stop after at most 11 steps as the authors' code",
    )

    def score(self, probe: Probe) -> float:
        """Mean maximum log evidence per image."""
        spectrum = _spectrum(probe)
        evidence = _maximum(spectrum) if self.stopping == "converged" else _authors(spectrum)
        return float(evidence.mean())


class _Spectrum(NamedTuple):
    """What the evidence of all classes depends on; k is the rank of the features.

    Attributes:
        n: Number of images.
        values: (k, 1), positive eigenvalues s of X'X, divided by the largest.
        largest: The largest eigenvalue; 1 where the rank is 0.
        inside: (k, C), squared projections of the targets on the left singular vectors.
        outside: (C,), squared length of what the features cannot express of the targets.
        squares: (C,), squared lengths of the targets.
    """

    n: int
    values: Array
    largest: float
    inside: Array
    outside: Array
    squares: Array


def _spectrum(probe: Probe) -> _Spectrum:
    """Eigenvalues from the smaller Gram matrix, projections from sums over classes."""
    x = probe.features.astype(np.float64)
    n, d = x.shape
    gram = x @ x.T if n < d else x.T @ x
    values, inside = _eigen(gram, probe.labels.onehot if n < d else probe.labels.class_sums(x).T)
    largest = float(values[-1])
    rank = int((values > max(n, d) * np.finfo(np.float64).eps * largest).sum())
    values, inside = values[len(values) - rank :, None], inside[len(values) - rank :]
    if n >= d:
        inside = inside / values
    squares = probe.labels.counts.astype(np.float64)
    if rank == n:
        outside = np.zeros_like(squares)
    else:
        outside = np.maximum(squares - inside.sum(axis=0), _RESOLUTION * squares)
    largest = largest if rank else 1.0
    return _Spectrum(n, values / largest, largest, inside, outside, squares)


def _eigen(gram: Array, targets: NDArray[np.floating]) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and squared coordinates of targets along the eigenvectors.

    `numpy.linalg.eigh` without its last and dearest part: the eigenvectors of the tridiagonal
    matrix are not turned back into those of the Gram matrix, the few targets are turned instead.

    Args:
        gram: (m, m), symmetric.
        targets: (m, c).

    Returns:
        (m,) and (m, c).
    """
    if len(gram) == 1:
        return gram[0], np.asarray(targets, np.float64) ** 2
    size = int(lapack.dsytrd_lwork(len(gram), lower=1)[0])
    reflectors, diagonal, beside, scales, _ = lapack.dsytrd(gram, lower=1, lwork=size)
    values, vectors = eigh_tridiagonal(diagonal, beside)
    turned = targets.astype(np.float64)  # the first row is left as it is
    turned[1:] = lapack.dormqr(
        "L", "T", reflectors[1:, :-1], scales, turned[1:], lwork=64 * targets.shape[1]
    )[0]
    return values, (vectors.T @ turned) ** 2


def _maximum(spectrum: _Spectrum) -> Array:
    """Evidence per image (C,), maximised.

    For a given ratio r = a/b the best b is known, ``n/b = |t - Xm|^2 + r |m|^2``, which leaves one
    unknown a class. Its stationary points are the fixed points of MacKay's iteration, which the
    authors use; that one needs hundreds of steps and has no end where r goes to infinity.
    A grid finds the highest of them, since there can be several, and Newton's method the place.
    """
    n, values, _, inside, outside, squares = spectrum
    null: Array = -0.5 * (np.log(2 * np.pi * squares / n) + 1)
    if not len(values):
        return null
    # In units of the largest eigenvalue. Below, evidence falls or is flat; above, it is `null`.
    grid, step = np.linspace(np.log(1e-30), np.log(1e12), 200, retstep=True)
    ratio = np.exp(grid)
    misfit = (ratio / (values + ratio)).T @ inside + outside
    volume = np.log1p(values / ratio).sum(axis=0)
    place = grid[(-n * np.log(misfit) - volume[:, None]).argmax(axis=0)]

    low, high = place - step, place + step
    for _ in range(60):
        free = 1 / (1 + values * np.exp(-place))  # share of each direction that is not fitted
        slope = free * (1 - free)
        misfit = np.einsum("kc,kc->c", free, inside) + outside
        first = np.einsum("kc,kc->c", slope, inside) / misfit
        second = np.einsum("kc,kc->c", slope * (1 - 2 * free), inside) / misfit
        gradient = (1 - free).sum(axis=0) - n * first
        curvature = -slope.sum(axis=0) - n * (second - first**2)
        low, high = np.where(gradient > 0, place, low), np.where(gradient > 0, high, place)
        newton = place - gradient / np.where(curvature < 0, curvature, -np.inf)
        trusted = (curvature < 0) & (low < newton) & (newton < high)
        moved = np.where(trusted, newton, (low + high) / 2)
        done = np.abs(moved - place).max() < 1e-7
        place = moved
        if done:
            break
    ratio = np.exp(place)
    misfit = (ratio / (values + ratio) * inside).sum(axis=0) + outside
    volume = np.log1p(values / ratio).sum(axis=0)
    best: Array = np.maximum(null, -0.5 * (np.log(2 * np.pi * misfit / n) + 1 + volume / n))
    return best


def _authors(spectrum: _Spectrum) -> Array:
    """Evidence per image (C,) where the authors' iteration stops.

    The rule of github.com/thuml/LogME: from a = b = 1 at most 11 steps, until a/b changes by less
    than 1e-3; 1e-5 is added to both denominators; the evidence combines the last a and b with the
    residuals of the step before.
    """
    n, values, largest, inside, outside, squares = spectrum
    s = values * largest
    a, b, fit, misfit = (np.ones_like(squares) for _ in range(4))
    going = np.ones(len(squares), dtype=bool)
    for _ in range(_AUTHORS_STEPS):
        old = a / b
        gamma = (s / (s + old)).sum(axis=0)
        norm = (s * inside / (s + old) ** 2).sum(axis=0)
        rest = (inside * (old / (s + old)) ** 2).sum(axis=0) + outside
        fit, misfit = np.where(going, norm, fit), np.where(going, rest, misfit)
        a = np.where(going, gamma / (norm + _AUTHORS_EPSILON), a)
        b = np.where(going, (n - gamma) / (rest + _AUTHORS_EPSILON), b)
        going &= np.abs(a / b - old) > _AUTHORS_TOLERANCE * old
        if not going.any():
            break
    # D/2 ln a cancels for the eigenvalues that are 0.
    volume = np.log1p(b / a * s).sum(axis=0) if len(s) else np.zeros_like(a)
    evidence: Array = -0.5 * (b * misfit + a * fit + volume) / n + 0.5 * np.log(b / (2 * np.pi))
    return evidence
