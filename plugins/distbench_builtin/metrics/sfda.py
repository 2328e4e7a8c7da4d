"""SFDA: how well a discriminant tells classes apart once the images it is unsure of are moved."""

from __future__ import annotations

from scipy.special import softmax

from distbench import Metric, Probe
from distbench_builtin.shared.numerics.lda import (
    class_deviations,
    class_slices,
    discriminant,
    own,
    posteriors,
)


class SFDA(Metric):
    """Self-challenging Fisher discriminant analysis: mean probability of the own class.

    Shao et al., "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging
    Fisher Space", ECCV 2022. The paper leaves constants open, so the authors' code
    (github.com/TencentARC/SFDA) is the definition. With S_w the covariance within classes (ddof 0)
    and d the dimensions of the features::

        s = max(exp(-5 lambda), 1e-10)
        S = (1 - s) S_w + s tr(S_w)/d I
        p(c|x) = softmax over c of  x' S^-1 m_c - 1/2 m_c' S^-1 m_c + ln(n_c/n)
        q = softmax over c of p(c|x), for the own class
        x <- q x + (1 - q) (mean of the means of the other classes)

    and the score is the mean of p(own|x), without logarithm, of a second discriminant fitted to
    the moved images with the same s. lambda is near the largest eigenvalue of S_w: what three
    double steps of a power iteration reach from the sum of its columns. (Where that sum is 0, as
    of probabilities, the code divides by 0 and we take the eigenvalue.) The code solves an
    eigenproblem of size d twice; all its eigenvectors together make S^-1, which is what we solve
    for, and where n < d in the space of the images. It also changes the features it is given and
    needs class numbers without gaps; ours does neither.

    Range: 0..1. It is 1 for nearly all sources where n < d: the discriminant separates any
    labels. Unchanged by shifting the features and by the order of dimensions. Scaling them
    changes it, through s, and so does rotating them, a little, through the start of the
    iteration.

    Needs features. Cost: O(n D min(n, D)), for two covariances and two Cholesky factors.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("sfda", x, [0, 0, 0, 1, 1, 1]), 3)
        0.701
    """

    def score(self, probe: Probe) -> float:
        """Mean probability of the own class after moving.

        Raises:
            Declined: There is no spread within classes.
        """
        first, labels = probe.shared(discriminant), probe.labels
        sure = own(labels, softmax(first.posterior, axis=1))[:, None]  # (n, C) -> (n, 1)
        others = (first.means.sum(axis=0) - first.means) / (labels.num_classes - 1)  # (C, r)
        rows = sure * first.rows  # (n, 1) * (n, r)
        for c, span in enumerate(class_slices(labels)):
            rows[span] += (1 - sure[span]) * others[c]
        means, deviations = class_deviations(labels, rows)
        within = deviations.T @ deviations / len(rows)  # (r, n) @ (n, r) -> (r, r)
        second = posteriors(labels, rows, means, within, first.shrinkage, first.dims)
        return float(own(labels, second).mean())
