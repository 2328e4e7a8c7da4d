"""A linear classifier on the features of several sources at once, fitted to the labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench_builtin.shared.methods.graph import standardised
from distbench_builtin.shared.methods.graph_choice import Choice

Array = NDArray[np.float64]

_SLOPE = 1e-6
"""The largest slope of the loss at which the optimiser stops."""
_MOST_STEPS = 1000
_MOST = 1000
"""Labelled images that a choice looks at; of more, so many are drawn."""
_LEAST = 1e-10
"""Share of the largest eigenvalue below which a direction is round-off."""


@dataclass(frozen=True)
class Setting:
    """What a classifier is fitted with.

    Attributes:
        sharpness: Power of the sources' weights.
        penalty: On the squared weights.
        choice: What is said of labelled images by classifiers that were fitted without them; None
            where no image could be left out.
    """

    sharpness: float
    penalty: float
    choice: Choice | None = None


def probabilities(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    pool: NDArray[np.int64],
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    penalty: float,
) -> Array:
    """Class probabilities (p, C) of the pool, by logistic regression on the labelled images.

    The features are those of `graph.joint_features`, without its projection: standardised over the
    pool, beside one another by weight, of unit length. The classifier minimises::

        - mean of ln p(own|x) + penalty/2 |w|^2,   p = softmax(w x + b)

    Its weights lie in the span of the labelled images, so that it is found from inner products with
    those, in O(l^3 + p l d).

    Args:
        features: (n, d_s) of each source.
        weights: Of each source, >= 0.
        pool: Which of the n images, (p,), ascending.
        known: Those of them with labels, (l,).
        labels: Theirs, (l,).
        classes: How many there are, C.
        penalty: On the squared weights.
    """
    at = np.searchsorted(pool, known)  # (l,), in the pool
    total = sum(weights)
    products, squares = np.zeros((len(pool), len(known))), np.zeros(len(pool))
    for x, weight in zip(features, weights, strict=True):
        part = standardised(x, pool, weight / total)  # (p, d_s)
        products += part @ part[at].T  # (p, d_s) @ (d_s, l) -> (p, l)
        squares += np.einsum("pd,pd->p", part, part)
    length = np.sqrt(np.maximum(squares, 1e-12))
    products /= length[:, None] * length[at]
    values, vectors = _spectrum(products[at])
    rows = products @ (vectors / np.sqrt(values))  # (p, l) @ (l, r) -> (p, r)
    both = _fit(rows[at], labels, penalty, np.zeros((rows.shape[1] + 1, classes)))
    return _softmax(rows @ both[:-1] + both[-1])  # (p, r) @ (r, C) + (C,)


def settle(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    pool: NDArray[np.int64],
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    *,
    sharpness: Sequence[float],
    penalties: Sequence[float],
    folds: int,
    seed: int,
) -> Setting:
    """The setting that is most often right on labelled images whose fold is left out.

    Images of a class are dealt to the folds one after the other; the only one of a class is always
    fitted to and does not count. Where there is nothing to leave out, the first of all is taken.

    Args:
        features: (n, d_s) of each source.
        weights: Of each source, >= 0.
        pool: Which of the n images, (p,), ascending.
        known: Those of them with labels, (l,).
        labels: Theirs, (l,).
        classes: How many there are, C.
        sharpness: Powers of the weights to try; the first of equally good ones is taken.
        penalties: To try, the strongest first: each fit starts at the one before.
        folds: Parts of the labelled images.
        seed: Of what is drawn.
    """
    draw = np.random.default_rng(seed)
    kept = np.sort(draw.permutation(len(known))[:_MOST])
    known, labels = known[kept], labels[kept]
    fold = deal(labels, folds, draw)
    judged = fold >= 0
    if not judged.any():
        return Setting(sharpness[0], penalties[0])
    at = np.searchsorted(pool, known)
    grams = []
    for x in features:
        part = standardised(x, pool)[at]
        grams.append((part @ part.T).astype(np.float64))  # (l, d) @ (d, l) -> (l, l)
    found: list[Setting] = []
    for power in sharpness:
        shares = np.asarray(weights, dtype=np.float64) ** power
        joint = np.einsum("s,skl->kl", shares / shares.sum(), np.stack(grams))
        length = np.sqrt(np.maximum(joint.diagonal(), 1e-12))
        values, vectors = _spectrum(joint / (length[:, None] * length))
        rows = vectors * np.sqrt(values)  # (l, r)
        said = np.zeros((len(penalties), len(known), classes))
        for one in range(int(fold.max()) + 1):
            test, both = fold == one, np.zeros((rows.shape[1] + 1, classes))
            for i, penalty in enumerate(penalties):
                both = _fit(rows[~test], labels[~test], penalty, both)
                said[i, test] = _softmax(rows[test] @ both[:-1] + both[-1])
        found += [
            Setting(power, penalty, Choice(power, 0, said[i, judged], labels[judged]))
            for i, penalty in enumerate(penalties)
        ]
    return max(found, key=lambda one: one.choice.worth if one.choice else (0.0, 0.0))


def deal(labels: NDArray[np.int64], folds: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each image (l,), -1 for the only one of a class."""
    fold = np.full(len(labels), -1, dtype=np.int64)
    for label in np.unique(labels):
        own = draw.permutation(np.flatnonzero(labels == label))
        if len(own) > 1:
            fold[own] = np.arange(len(own)) % folds
    return fold


def _spectrum(gram: Array) -> tuple[Array, Array]:
    """Positive eigenvalues (r,) of a Gram matrix (l, l) and their vectors (l, r)."""
    values, vectors = np.linalg.eigh(gram)
    positive = values > _LEAST * values[-1]
    return values[positive], vectors[:, positive]


def _softmax(logits: Array) -> Array:
    raised: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Array = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _fit(rows: Array, labels: NDArray[np.int64], penalty: float, start: Array) -> Array:
    """Weights, and below them the bias, (r + 1, C) of a logistic regression on rows (l, r)."""
    from scipy.optimize import minimize

    n = len(rows)
    target = np.zeros((n, start.shape[1]))  # (l, C)
    target[np.arange(n), labels] = 1 / n

    def loss(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(start.shape)
        logits = rows @ both[:-1] + both[-1]  # (l, r) @ (r, C) + (C,) -> (l, C)
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        total = chances.sum(axis=1, keepdims=True)  # (l, C) -> (l, 1)
        value = np.log(total).mean() - np.vdot(target, logits)
        residual = chances / (n * total) - target
        slope = np.vstack([rows.T @ residual + penalty * both[:-1], residual.sum(axis=0)])
        return float(value + penalty / 2 * np.vdot(both[:-1], both[:-1])), slope.ravel()

    options = {"maxiter": _MOST_STEPS, "gtol": _SLOPE, "ftol": 0.0, "maxcor": 20}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    both: Array = found.x.reshape(start.shape)
    return both
