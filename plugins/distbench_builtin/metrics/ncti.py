"""NCTI: how near the features are to the neural collapse that fine-tuning would end in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.linalg import eigh, svdvals
from scipy.special import softmax

from distbench import Declined, Metric, Need, Probe
from distbench_builtin.shared.numerics.features import Array
from distbench_builtin.shared.numerics.lda import class_deviations, class_slices, own
from distbench_builtin.shared.numerics.pca import principal

_DIMS = 64
_LEADING = 32
"""How many components the shrinkage looks at."""
_LEAST = 1e-10
_RANK = 1e-4
"""Singular values below are taken for 0, as by scikit-learn's discriminant."""
_EQUAL = 1e-9
"""Parts that differ by less, relative to their size, differ by round-off."""


class Components(NamedTuple):
    """The three parts of one source.

    Attributes:
        all_nuc: Nuclear norm of the images in the discriminant's space; higher is better.
        cls_score: Mean probability of the own class, 0..1; higher is better.
        log_class_nuc: Logarithm of the nuclear norms of the probabilities of each class's
            images, summed over the classes; lower is better.
    """

    all_nuc: float
    cls_score: float
    log_class_nuc: float


class NCTI(Metric):
    """Neural collapse transferability index: three marks of collapse, compared over the zoo.

    Wang et al., "How Far Pre-trained Models Are from Neural Collapse on the Target Dataset
    Informs their Transferability", ICCV 2023; constants from the authors' code
    (github.com/BUserName/NCTI). On the first p = 64 principal components a linear discriminant is
    fitted, with s = exp(-(variance of the first 32)). Where s > 1e-10 its covariance within
    classes is shrunk by s towards the mean variance, else it is taken as it is. From Z, the
    images in its C - 1 directions, and P, the probabilities that it gives them::

        all     = nuclear norm of Z, centred
        own     = mean probability of the own class
        compact = ln sum over classes of the nuclear norm of that class's rows of P
        score   = minmax(all) + minmax(own) - minmax(compact)

    with minmax over the zoo: 0 for the lowest source, 1 for the highest. A part in which all
    sources are equal to 1e-9 says nothing and counts 0 (there the code divides by 0); so a single
    source has a score of 0. Sources that must be declined do not count. With fewer than 64 images
    or dimensions p is that number; the code refuses.

    Range: -1..2. A score holds within its zoo only. Unchanged by shifting and rotating the
    features; scaling them changes s.

    Needs features of the whole zoo. Cost: O(n D min(n, D)) a source, mostly the Gram matrix.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features", "zoo"})

    def score(self, probe: Probe) -> float:
        """There is none of a single source.

        Raises:
            Declined: Always.
        """
        raise Declined("it compares the sources of a zoo: use `distbench.rank` for all at once")

    def score_all(self, probes: Sequence[Probe]) -> list[float | Declined]:
        """Sums of the parts of all sources, each scaled over those that are not declined."""
        results: list[Components | Declined] = []
        for probe in probes:
            try:
                results.append(components(probe))
            except Declined as reason:
                results.append(reason)
        parts = np.array([part for part in results if isinstance(part, Components)])  # (s, 3)
        if not len(parts):
            return [part for part in results if isinstance(part, Declined)]
        spread = np.ptp(parts, axis=0)  # (s, 3) -> (3,)
        varies = spread > _EQUAL * np.abs(parts).max(axis=0)
        scaled = (parts - parts.min(axis=0)) / np.where(varies, spread, np.inf)
        scores = iter((scaled @ [1, 1, -1]).tolist())  # (s, 3) @ (3,) -> (s,)
        return [part if isinstance(part, Declined) else next(scores) for part in results]


def components(probe: Probe) -> Components:
    """The three parts of one source.

    Raises:
        Declined: There is no spread within classes.
    """
    labels = probe.labels
    scores, squares = principal(probe, _DIMS)
    scores, n = scores[labels.order], len(scores)
    means, deviations = class_deviations(labels, scores)
    within = deviations.T @ deviations  # (k, n) @ (n, k) -> (k, k)
    if np.trace(within) <= 1e-20 * squares.sum():
        raise Declined("features of a class are all equal, so there is no spread to compare with")
    weighted = np.sqrt(labels.counts)[:, None] * means  # (C, 1) * (C, k)
    shrinkage = np.exp(-squares[:_LEADING].sum() / (n - 1))
    if shrinkage > _LEAST:
        dims = min(_DIMS, *probe.features.shape)
        size, weights = _shrunk(weighted, within, squares, shrinkage, n, dims)
    else:
        size, weights = _plain(weighted, within, n)
    if np.vdot(weighted, weighted) <= 1e-24 * squares.sum():
        size = 0.0  # the classes have one mean, so all directions are as good, and none is meant
    centres = means @ weights  # (C, k) @ (k, r) -> (C, r)
    logits = scores @ weights @ centres.T - (centres**2).sum(axis=1) / 2  # (n, C)
    posterior = softmax(logits + np.log(labels.counts / n), axis=1)
    compact = sum(float(svdvals(posterior[span]).sum()) for span in class_slices(labels))
    return Components(size, float(own(labels, posterior).mean()), float(np.log(compact)))


def _shrunk(
    means: Array, within: Array, squares: Array, shrinkage: float, n: int, dims: int
) -> tuple[float, Array]:
    """The discriminant with a shrunk covariance, scatter matrices divided by n.

    As in scikit-learn, which the authors use, the scatter between classes is shrunk too.

    Args:
        means: (C, k), of the classes, times the roots of their sizes.
        within: (k, k), scatter within classes.
        squares: (k,), diagonal of the whole scatter.
        shrinkage: In (1e-10, 1].
        n: Number of images.
        dims: Components over which variances are averaged; those above k do not vary.

    Returns:
        Nuclear norm of the images in the first C - 1 directions, and all directions (k, k).
    """
    between = means.T @ means  # (k, C) @ (C, k) -> (k, k)
    least = shrinkage / dims
    unit = np.eye(len(squares))
    values, directions = eigh(
        (1 - shrinkage) / n * between + least * np.trace(between) / n * unit,
        (1 - shrinkage) / n * within + least * np.trace(within) / n * unit,
    )
    # Components that do not vary are directions too, and may be among the first.
    flat = np.full(dims - len(values), np.trace(between) / np.trace(within))
    first = np.argsort(-np.concatenate([values, flat]), kind="stable")[: len(means) - 1]
    spread = np.sqrt(squares)[:, None] * directions[:, first[first < len(values)]]
    return float(svdvals(spread).sum()), directions


def _plain(means: Array, within: Array, n: int) -> tuple[float, Array]:
    """The discriminant with the covariance as it is: the scatter within classes over n.

    Older versions of scikit-learn divide by n - C, here too; their probabilities differ a little.
    Directions in which images of a class hardly vary are left out, as in scikit-learn.

    Args:
        means: (C, k), of the classes, times the roots of their sizes.
        within: (k, k), scatter within classes.
        n: Number of images.

    Returns:
        Nuclear norm of the images in the directions that tell classes apart, and these (k, r).
    """
    deviation = np.sqrt(np.diag(within) / n)
    deviation[deviation == 0] = 1
    values, vectors = np.linalg.eigh(within / np.outer(deviation, deviation) / n)
    kept = values > _RANK**2
    whitening = vectors[:, kept] / deviation[:, None] / np.sqrt(values[kept])  # (k, r)
    _, sizes, turns = np.linalg.svd(means @ whitening, full_matrices=False)
    kept_turns = sizes > _RANK * sizes[0]
    # In these directions the scatter within classes is n I, that between them diagonal.
    return float(np.sqrt(n + sizes[kept_turns] ** 2).sum()), whitening @ turns[kept_turns].T
