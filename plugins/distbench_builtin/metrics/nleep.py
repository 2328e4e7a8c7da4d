"""NLEEP: LEEP of the clusters that the features fall into."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from pydantic import Field

from distbench import Labels, Metric, Probe
from distbench_builtin.shared.numerics.features import Array, doubles
from distbench_builtin.shared.numerics.joint import leep, soft_joint
from distbench_builtin.shared.numerics.pca import principal


class NLEEP(Metric):
    """LEEP of the components of a Gaussian mixture fitted to the features.

    Li et al., "Ranking Neural Checkpoints", CVPR 2021. The features are reduced by PCA to the
    fewest components that hold more than 80 % of the variance, a mixture of Gaussians with full
    covariances is fitted to them, and its posteriors take the place of the source's class
    probabilities, which LEEP cannot have of a source without classes::

        NLEEP = 1/n sum_i ln( sum_v P[i, v] p(y_i|v) ),   P[i, v] = posterior of component v

    The paper has 5 components a class. Where these are more than the images, no such mixture can be
    fitted and other code raises; here the count is then that of ``count=by_images``, the rule of
    the PACTran authors: one component per 5 images, at most one a class, but at least one per 10
    images. More components than different images are never fitted. With few images a component,
    posteriors are 0 or 1 and NLEEP nears 0 for any source: prefer ``count=by_images`` there.

    Fitted by scikit-learn (k-means start, expectation maximisation until the bound rises by less
    than 1e-3 an image or for 100 steps), on components divided by their common spread, so that the
    1e-6 which is added to variances means the same for every source. The result depends on the
    random start: over seeds it moves by 1 to 20 %. The seed is the probe's unless one is given, and
    images are brought into an order of their own first, so theirs does not matter.

    Range: -H(y) (clusters say nothing of the labels) .. 0. Unchanged by scaling and shifting the
    features; by rotating them as far as round-off allows.

    Needs features. Cost: PCA, and O(n m k^2) a step for m mixture and k principal components.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("nleep", x, [0, 0, 0, 1, 1, 1]), 3)
        -0.693
    """

    components: int = Field(5, ge=1, description="mixture components per class")
    count: Literal["per_class", "by_images"] = Field(
        "per_class", description="components per class, or by the number of images (PACTran)"
    )
    variance: float = Field(0.8, gt=0, lt=1, description="share of variance that PCA keeps")
    seed: int | None = Field(None, ge=0, description="random start; none: the probe's seed")

    def score(self, probe: Probe) -> float:
        """Mean log expected prediction from mixture components per image."""
        x = probe.shared(doubles) + 0.0  # -0 becomes 0: equal images have equal bytes
        order = np.argsort(x.view(np.dtype((np.void, x.itemsize * x.shape[1]))).ravel())
        x, labels = x[order], Labels(probe.labels.ids[order])
        different = 1 + int((x[1:] != x[:-1]).any(axis=1).sum())
        points = _reduced(Probe(labels, features=x), self.variance)
        if not points.shape[1]:
            posteriors = np.ones((len(x), 1))
        else:
            size = min(self._size(labels), different)
            seed = probe.seed if self.seed is None else self.seed
            # A second order, which rotating the features does not change, for the random start.
            second_order = np.lexsort(points.T[::-1])
            posteriors = np.empty((len(x), size))
            posteriors[second_order] = _posteriors(points[second_order], size, seed % 2**32)
        return leep(labels, posteriors, soft_joint(labels, posteriors))

    def _size(self, labels: Labels) -> int:
        """Number of mixture components."""
        n, classes = len(labels), labels.num_classes
        if self.count == "per_class" and self.components * classes <= n:
            return self.components * classes
        return max(min(classes, n // 5), n // 10, 1)


def _reduced(probe: Probe, share: float) -> Array:
    """(n, k), the principal components with `share` of the variance, over their common spread."""
    scores, squares = principal(probe)
    if not len(squares):
        return scores
    # In units of the largest, lest sums of large squares have no end.
    held = np.cumsum(squares / squares[0])
    k = int(np.searchsorted(held / held[-1], share, side="right")) + 1
    spread = np.sqrt(squares[0]) * np.sqrt(held[min(k, len(held)) - 1] / (k * len(scores)))
    points: Array = scores[:, :k] / spread  # (n, k)
    # The sign of a component is free: that of its largest score is made positive.
    largest = np.take_along_axis(points, np.abs(points).argmax(axis=0)[None], axis=0)  # (1, k)
    return points * np.where(largest < 0, -1.0, 1.0)


def _posteriors(points: Array, size: int, seed: int) -> Array:
    """Posteriors (n, size) of a mixture of `size` Gaussians fitted to the points (n, k)."""
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(size, random_state=seed)
    with warnings.catch_warnings():
        # That 100 steps do not converge is usual here and part of the definition.
        warnings.simplefilter("ignore")
        posteriors: Array = mixture.fit(points).predict_proba(points)  # (n, k) -> (n, size)
    return posteriors
