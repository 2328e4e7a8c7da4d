"""Which graph tells the labels best that it has not been given: leave-one-out over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench_builtin.shared.methods.graph import standardised, tied

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_MOST = 2000
"""Images that a choice looks at; of more, all labelled ones up to half of them, others drawn."""
_FLOOR = 1e-3
"""Least probability that a likelihood counts with, so that no single image decides."""


@dataclass(frozen=True)
class Choice:
    """A graph, and what it says of labels that are left out.

    Attributes:
        sharpness: Power of the sources' weights.
        neighbours: Nearest images that each is tied to.
        probabilities: (l, C), of the classes of labelled images, each without its own label.
        labels: Theirs, (l,).
    """

    sharpness: float
    neighbours: int
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def worth(self) -> tuple[float, float]:
        """Accuracy, and mean log-likelihood where that is equal."""
        right = float(np.mean(self.probabilities.argmax(1) == self.labels))
        return right, self.likelihood(1.0)

    def likelihood(self, power: float) -> float:
        """Mean log-likelihood of the labels, of probabilities that are raised to a power."""
        raised = np.maximum(self.probabilities, _FLOOR) ** power  # (l, C)
        own = raised[np.arange(len(self.labels)), self.labels] / raised.sum(1)  # (l, C) -> (l,)
        return float(np.log(np.maximum(own, _FLOOR)).mean())


def choose(
    features: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
    pool: NDArray[np.int64],
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    spread: float,
    *,
    sharpness: Sequence[float],
    neighbours: Sequence[int],
    seed: int,
) -> Choice:
    """Tries all graphs; the one that is most often right on labels that are left out.

    Args:
        features: (n, d_s) of each source.
        weights: Of each source, >= 0.
        pool: Which of the n images, (p,), ascending.
        known: Those of them with labels, (l,).
        labels: Theirs, (l,).
        classes: How many there are.
        spread: Share of an image's value that comes from its neighbours.
        sharpness: Powers of the weights to try; the first of equal ones is taken.
        neighbours: Numbers of neighbours to try.
        seed: Of what is drawn where there are many images.
    """
    pool, known, labels = _some(pool, known, labels, np.random.default_rng(seed))
    at = np.searchsorted(pool, known)  # (l,), in the pool
    products = []
    for x in features:
        part = standardised(x, pool)
        products.append(part @ part.T)  # (p, d) @ (d, p) -> (p, p)
    choices: list[Choice] = []
    for power in sharpness:
        shares = np.asarray(weights, dtype=np.float64) ** power
        joint = np.zeros((len(pool), len(pool)), dtype=np.float32)
        for share, product in zip(shares / shares.sum(), products, strict=True):
            joint += np.float32(share) * product
        length = np.sqrt(np.maximum(joint.diagonal(), 1e-12))  # (p, p) -> (p,)
        joint /= length[:, None] * length
        for count in neighbours:
            graph = tied([joint.copy()], count)
            probabilities = left_out(graph, at, labels, classes, spread)
            choices.append(Choice(power, count, probabilities, labels))
    return max(choices, key=lambda choice: choice.worth)


def left_out(
    graph: csr_matrix,
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    spread: float,
) -> NDArray[np.float64]:
    """What spreads to each labelled image (l, C) from all other labels, as `propagate` has it.

    All of it in one solution: the label of an image adds one column of (I - spread S)^-1, which
    is left out for the image itself.
    """
    system = np.eye(graph.shape[0]) - spread * graph.toarray()
    start = np.zeros((len(system), len(known)))
    start[known, np.arange(len(known))] = 1
    reached = np.maximum(np.linalg.solve(system, start), 0)  # (n, n) \ (n, l) -> (n, l)
    given = np.eye(classes)[labels]  # (l,) -> (l, C)
    counts = given.sum(0)
    # By class: what all images get of it, and how often it is among the labels, without the own.
    # (n, l) @ (l, C), summed: (C,); less the own label: (l, C)
    mass = (reached @ given).sum(0) - given * reached.sum(0)[:, None]
    prior = (counts - given) / max(len(known) - 1, 1)  # (C,) - (l, C) -> (l, C)
    between = reached[known]  # (n, l) -> (l, l)
    np.fill_diagonal(between, 0)
    # (l, l) @ (l, C) -> (l, C)
    scores: NDArray[np.float64] = between @ given * prior / np.maximum(mass, 1e-12)
    total: NDArray[np.float64] = scores.sum(1, keepdims=True)
    return np.where(total > 1e-12, scores / np.maximum(total, 1e-12), prior)


def _some(
    pool: NDArray[np.int64],
    known: NDArray[np.int64],
    labels: NDArray[np.int64],
    draw: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """At most `_MOST` images of a pool, and the labelled ones among them."""
    if len(pool) <= _MOST:
        return pool, known, labels
    kept = np.sort(draw.permutation(len(known))[: _MOST // 2])
    others = np.setdiff1d(pool, known)
    more = draw.permutation(others)[: _MOST - len(kept)]
    return np.sort(np.concatenate([known[kept], more])), known[kept], labels[kept]
