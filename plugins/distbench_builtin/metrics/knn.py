"""k-NN: how often do an image's nearest neighbours have its label?"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from distbench import Declined, Metric, Probe
from distbench_builtin.shared.numerics import features as _features
from distbench_builtin.shared.numerics import neighbours as _neighbours
from distbench_builtin.shared.numerics.features import Array
from distbench_builtin.shared.numerics.neighbours import Distance, Indices, Pairs

_PARALLEL = 1e-28
"""Squared distance of rows of length 1 that point in one direction; round-off of their lengths."""


class KNN(Metric):
    """Leave-one-out accuracy of the k nearest neighbours in feature space, in percent.

    A baseline of Bolya et al., "Scalable Diverse Model Selection for Accessible Transfer
    Learning", NeurIPS 2021. Every image is classified by the vote of the k other images nearest to
    it; where several classes have most votes they share the prediction::

        100 / n * sum over images of (1 / number of winning classes if its own is one, else 0)

    Neighbours nearer than the k-th have one vote each; those as far as the k-th (to 12 digits)
    share the votes that are left equally, so neither the order of images nor that of classes
    matters. The authors' code takes the first of a sorted row for the image itself, which among
    duplicates it need not be, and for k > 1 gives a tie of votes to the lowest class number, or,
    where all k votes differ, counts them as k predictions. Here an image is never its own
    neighbour, its duplicates are.

    Features are used as they are; for cosine, one that is all 0 has cosine 0 with all others
    but its like.

    Range: 0..100. Unchanged by scaling the features, for l2 and cosine by rotating, for l2 and
    cityblock by shifting them. Needs features. Cost: O(n^2 d); neighbours are searched by float32
    products with a bound on their round-off and decided by differences of rows in float64, so
    nothing cancels. cityblock has no matrix product and is slow. Memory for a float32 copy of the
    features, a tile of distances and the neighbours.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("knn", x, [0, 0, 0, 1, 1, 1]), 3)
        50.0
    """

    k: int = Field(1, ge=1, description="number of neighbours that vote")
    distance: Distance = Field(
        "l2", description="Euclidean distance, 1 - cosine, or sum of absolute differences"
    )

    def score(self, probe: Probe) -> float:
        """Accuracy in percent.

        Raises:
            Declined: There are not more than k images.
        """
        n = len(probe.labels)
        if n <= self.k:
            raise Declined(f"{self.k} neighbours need more than {self.k} images, got {n}")
        x = probe.shared(_features.doubles)
        if self.distance == "cosine":
            x = _directions(x)
        first, group = _distinct(x)
        others = min(self.k, len(first) - 1)
        pairs: Pairs = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        if others:
            kinds = x if len(first) == n else x[first]
            pairs = _neighbours.nearest(kinds, others, self.distance, measured=len(first) < n)
        floor = _PARALLEL if self.distance == "cosine" else 0.0
        return 100 * (_right(group, probe.labels.ids, pairs, self.k, floor) / n)


def _directions(x: Array) -> Array:
    """Rows brought to length 1, unless they are 0."""
    size = np.abs(x).max(axis=1, keepdims=True)
    rows = x / np.where(size > 0, size, 1)
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]  # (n, 1)
    rows /= np.where(length > 0, length, 1)
    return rows


def _distinct(x: Array) -> tuple[Indices, Indices]:
    """Groups of equal rows: where each is first seen, (g,), and the group of each row, (n,)."""
    first_rows = np.arange(len(x))
    _, inverse, counts = np.unique(
        np.einsum("nd,nd->n", x, x), return_inverse=True, return_counts=True
    )
    same = counts[inverse] > 1  # of equal length, so perhaps equal
    if not same.any():
        return first_rows, first_rows
    seen: dict[bytes, int] = {}
    for i in np.flatnonzero(same):
        content = (x[i] + 0.0).tobytes()  # -0.0 is 0.0
        first_rows[i] = seen.setdefault(content, int(i))
    first, group = np.unique(first_rows, return_inverse=True)
    return first, group


def _right(group: Indices, ids: Indices, pairs: Pairs, k: int, floor: float) -> float:
    """How many images are classified rightly, shares of predictions included.

    Images of one group and class see the same neighbours, so they vote and are classified as one.

    Args:
        group: (n,), number of the group of equal images that each is in.
        ids: (n,), their classes.
        pairs: Neighbouring groups with their distances.
        k: Number of neighbours.
        floor: Distances below it are 0.
    """
    classes = int(ids.max()) + 1
    # (m,), a group and class each
    codes, size = np.unique(group * classes + ids, return_counts=True)
    owner, own = np.divmod(codes, classes)
    viewer, seen, distance = _members(owner, pairs)  # (p,) each
    votes = size[seen] - (viewer == seen)
    order = np.lexsort((distance, viewer))
    viewer, seen, votes, distance = viewer[order], seen[order], votes[order], distance[order]

    # Distance of the k-th vote of each viewer.
    start = np.searchsorted(viewer, np.arange(len(codes)))
    total = np.cumsum(votes)
    kth = distance[np.searchsorted(total, (total - votes)[start] + k)][viewer]  # (m,) -> (p,)
    margin = kth * _neighbours.TIE + floor
    nearer, tied = distance < kth - margin, np.abs(distance - kth) <= margin

    # Votes in shares: each of `sharing` at the k-th distance has `left / sharing`.
    left = k - np.bincount(viewer, votes * nearer, len(codes)).astype(np.int64)  # (p,) -> (m,)
    sharing = np.bincount(viewer, votes * tied, len(codes)).astype(np.int64)  # (p,) -> (m,)
    shares = votes * (nearer * sharing[viewer] + tied * left[viewer])
    voted, ballot_of = np.unique(viewer * classes + own[seen], return_inverse=True)
    ballot = np.bincount(ballot_of, shares)
    voter, choice = np.divmod(voted, classes)
    most = np.maximum.reduceat(ballot, np.searchsorted(voter, np.arange(len(codes))))
    won = ballot == most[voter]
    winners = np.bincount(voter[won])
    right = voter[won & (choice == own[voter])]
    counts = np.bincount(winners[right], size[right])  # whole numbers: in any order the same sum
    return float((counts[1:] / np.arange(1, len(counts))).sum())


def _members(owner: Indices, pairs: Pairs) -> Pairs:
    """Pairs of groups as pairs of the classes within them, and of those within one group.

    Args:
        owner: (m,), ascending, the group of each class within a group.
        pairs: Pairs of groups with their distances.
    """
    count = np.bincount(owner)
    start = np.cumsum(count) - count
    groups = np.arange(len(count))
    i, j = (np.concatenate([groups, part]) for part in pairs[:2])
    distance = np.concatenate([np.zeros(len(groups)), pairs[2]])
    repeats = count[i] * count[j]
    pair = np.repeat(np.arange(len(i)), repeats)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    viewer = start[i[pair]] + nth // count[j[pair]]
    seen = start[j[pair]] + nth % count[j[pair]]
    return viewer, seen, distance[pair]
