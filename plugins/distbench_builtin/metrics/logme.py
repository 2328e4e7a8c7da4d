"""LogME: how probable the labels are under a Bayesian linear model of the features."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import Declined, Metric, Probe
from distbench_builtin.shared.numerics.features import Array, product
from distbench_builtin.shared.numerics.spectrum import Spectrum, spectrum

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
    code does where n < D, makes wide features win. X is neither centred nor scaled. Where an image
    may show several classes, t is 1 on each image that shows the class: the paper's regression on
    several targets.

    Range: unbounded, mostly -1..1. Unchanged by rotating and, when converged, by scaling the
    features. A class of which the features know nothing (a/b to infinity) has the evidence of
    ``t ~ N(0, I/b)``, and so have features that are all 0. A perfect fit by fewer than n
    dimensions has infinite evidence; it is held at a residual of 1e-12.

    Needs features. Cost: O(n D min(n, D)), mostly one symmetric eigenproblem of size min(n, D).

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("logme", x, [0, 0, 0, 1, 1, 1]), 3)
        -0.868
    """

    version: ClassVar[int] = 2
    kinds: ClassVar = frozenset({"single", "several"})

    stopping: Literal["converged", "authors"] = Field(
        "converged",
        description="maximise the evidence, or stop after at most 11 steps as the authors' code",
    )

    def score(self, probe: Probe) -> float:
        """Mean maximum log evidence per image.

        Raises:
            Declined: The authors' iteration is wanted, and features are so large or small that it
                leaves the numbers of float64.
        """
        known, counts = probe.shared(spectrum), probe.labels.counts.astype(np.float64)
        images = float(len(probe.labels))
        if len(known.values) == len(probe.labels):
            outside = np.zeros_like(counts)
        else:
            outside = np.maximum(counts - known.inside.sum(axis=1), _RESOLUTION * counts)  # (C,)
        if self.stopping == "converged":
            return float(_converged(known, outside, counts, images).mean())
        with np.errstate(all="ignore"):
            score = float(_authors(known, outside, counts, images).mean())
        if not np.isfinite(score):
            raise Declined("the authors' iteration overflows with features of this scale")
        return score


def _converged(known: Spectrum, outside: Array, counts: Array, n: float) -> Array:
    """Evidence per image (C,), maximised.

    For a given ratio r = a/b the best b is known, ``n/b = |t - Xm|^2 + r |m|^2``, which leaves one
    unknown a class. Its stationary points are the fixed points of MacKay's iteration, which the
    authors use; that one needs hundreds of steps and has no end where r goes to infinity.
    A grid finds the highest of them, since there can be several, and Newton's method the place.

    Args:
        known: Eigenvalues and projections.
        outside: (C,), squared length of what the features cannot express of the targets.
        counts: (C,), squared lengths of the targets.
        n: Number of images.
    """
    values, _, inside = known
    null: Array = -0.5 * (np.log(2 * np.pi * counts / n) + 1)
    if not len(values):
        return null
    # In units of the largest eigenvalue. Below, evidence falls or is flat; above, it is `null`.
    grid, step = np.linspace(np.log(1e-30), np.log(1e12), 200, retstep=True)
    ratio = np.exp(grid)[:, None]
    free = ratio / (values + ratio)  # (200, k), share of each direction that is not fitted
    misfit = product(free, inside.T) + outside  # (200, k) @ (k, C) + (C,) -> (200, C)
    # (200, C) -> (C,)
    log_ratio = grid[(-n * np.log(misfit) + np.log(free).sum(axis=1)[:, None]).argmax(axis=0)]

    low, high = log_ratio - step, log_ratio + step
    moving = np.arange(len(log_ratio))
    for _ in range(60):
        old, fits = log_ratio[moving], inside[moving]
        gradient, curvature = _slope(old, values, fits, outside[moving], n)
        low[moving] = np.where(gradient > 0, old, low[moving])
        high[moving] = np.where(gradient > 0, high[moving], old)
        newton = old - gradient / np.where(curvature < 0, curvature, -np.inf)
        trusted = (curvature < 0) & (low[moving] < newton) & (newton < high[moving])
        log_ratio[moving] = np.where(trusted, newton, (low[moving] + high[moving]) / 2)
        moving = moving[np.abs(log_ratio[moving] - old) >= 1e-7]
        if not len(moving):
            break
    ratio = np.exp(log_ratio)[:, None]
    misfit = (ratio / (values + ratio) * inside).sum(axis=1) + outside  # (C, k) -> (C,)
    volume = np.log1p(values / ratio).sum(axis=1)  # (C, k) -> (C,)
    best: Array = np.maximum(null, -0.5 * (np.log(2 * np.pi * misfit / n) + 1 + volume / n))
    return best


def _slope(
    log_ratio: Array, values: Array, inside: Array, outside: Array, n: float
) -> tuple[Array, Array]:
    """First and second derivative of twice the evidence by ln r, (C,) each."""
    free = 1 / (1 + values * np.exp(-log_ratio)[:, None])  # (k,) * (C, 1) -> (C, k)
    slope = free * (1 - free)
    misfit = np.einsum("ck,ck->c", free, inside) + outside
    first = np.einsum("ck,ck->c", slope, inside) / misfit
    second = np.einsum("ck,ck->c", slope * (1 - 2 * free), inside) / misfit
    gradient = (1 - free).sum(axis=1) - n * first  # (C, k) -> (C,)
    return gradient, -slope.sum(axis=1) - n * (second - first**2)


def _authors(known: Spectrum, outside: Array, counts: Array, n: float) -> Array:
    """Evidence per image (C,) where the authors' iteration stops; arguments as `_converged`.

    The rule of github.com/thuml/LogME: from a = b = 1 at most 11 steps, until a/b changes by less
    than 1e-3; 1e-5 is added to both denominators; the evidence combines the last a and b with the
    residuals of the step before.
    """
    s, inside = known.values * known.largest, known.inside
    a, b, fit, misfit = (np.ones_like(counts) for _ in range(4))
    going = np.ones(len(counts), dtype=bool)
    for _ in range(_AUTHORS_STEPS):
        old = a / b
        share = s / (s + old[:, None])  # (k,) + (C, 1) -> (C, k)
        gamma = share.sum(axis=1)  # (C, k) -> (C,)
        norm = (share / (s + old[:, None]) * inside).sum(axis=1)
        rest = ((old[:, None] / (s + old[:, None])) ** 2 * inside).sum(axis=1) + outside
        fit, misfit = np.where(going, norm, fit), np.where(going, rest, misfit)
        a = np.where(going, gamma / (norm + _AUTHORS_EPSILON), a)
        b = np.where(going, (n - gamma) / (rest + _AUTHORS_EPSILON), b)
        going &= np.abs(a / b - old) > _AUTHORS_TOLERANCE * old
        if not going.any():
            break
    # D/2 ln a cancels for the eigenvalues that are 0.
    volume = np.log1p((b / a)[:, None] * s).sum(axis=1) if len(s) else np.zeros_like(a)
    evidence: Array = -0.5 * (b * misfit + a * fit + volume) / n + 0.5 * np.log(b / (2 * np.pi))
    return evidence
