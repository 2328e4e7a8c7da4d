"""The test images as a sample: what an accuracy on other images of the kind would be.

All seeds of a method are tested on the same images, so the noise of seeds alone says nothing of
other images: the interval of three seeds on 150 images covers the accuracy on new ones in 68 %.
Seeds and images are crossed here as two random factors of an analysis of variance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.statistics.estimates import (
    Difference,
    Estimate,
    estimate,
    quantile,
    two_sided,
)

Hits = NDArray[np.bool_]
"""Which test images (s, n) were classified rightly, with each seed."""


def accuracy_interval(hits: Hits) -> Estimate:
    """Mean accuracy over seeds and test images, with an interval for other seeds and images.

    The standard error is that of two crossed random factors; the interval is Wilson's (1927) with
    as many images as would have that error (Korn and Graubard, 1998), so that it stays within
    0..1 and has a width at 100 % too. With a single seed it holds the images' share alone.

    Args:
        hits: (s, n).
    """
    x = hits.astype(np.float64)
    mean, variance, df = _crossed(x)
    images = x.shape[1]
    effective = min(mean * (1 - mean) / variance, float(x.size)) if variance > 0 else images
    square = quantile(df) ** 2
    centre = (mean + square / (2 * effective)) / (1 + square / effective)
    spread = square * (mean * (1 - mean) / effective + square / (4 * effective**2))
    half = float(spread**0.5 / (1 + square / effective))
    return Estimate(mean, centre - half, centre + half, df, variance**0.5)


def paired_difference(ours: Hits, theirs: Hits) -> Difference:
    """Difference in accuracy between two methods on the same images with the same seeds.

    With one seed the p value is that of McNemar's exact test (1947), and the interval that of
    Agresti and Min (2005), which adds half an image to each of the four outcomes. With more seeds
    both are of the crossed analysis of variance.

    Args:
        ours: (s, n).
        theirs: (s, n).

    Returns:
        No interval and no p value where no image tells the two apart.
    """
    x = ours.astype(np.float64) - theirs
    if not x.any():
        return Difference(0.0)
    if len(x) > 1:
        mean, variance, df = _crossed(x)
        whole = estimate(mean, variance**0.5, df)
        p = two_sided(mean / variance**0.5, df)
        return Difference(mean, whole.low, whole.high, df, whole.error, p)
    for_us, against, n = int((x > 0).sum()), int((x < 0).sum()), x.size
    centre = (for_us - against) / (n + 2)
    variance = ((for_us + against + 1) / (n + 2) - centre**2) / (n + 2)
    whole = replace(estimate(centre, variance**0.5, n - 1.0), mean=(for_us - against) / n)
    p = _mcnemar(for_us, against)
    return Difference(whole.mean, whole.low, whole.high, whole.df, whole.error, p)


def block_interval(pseudo: NDArray[np.float64]) -> Estimate:
    """Mean of a measure that is no share of images, for other seeds and other images.

    The two crossed factors are seeds and blocks of images; blocks of a measure that is no mean over
    images speak by their jackknife pseudo-values (Quenouille, 1956; Tukey, 1958).

    Args:
        pseudo: (s, g), of each seed and block.
    """
    mean, variance, df = _crossed(pseudo)
    return estimate(mean, variance**0.5, df)


def paired_block_difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Difference:
    """Difference between two methods in such a measure, on the same blocks with the same seeds.

    Args:
        ours: (s, g) pseudo-values.
        theirs: (s, g).

    Returns:
        No interval and no p value where no block tells the two apart.
    """
    x = ours - theirs
    mean, variance, df = _crossed(x)
    if variance <= 0:
        return Difference(mean)
    whole = estimate(mean, variance**0.5, df)
    return Difference(
        mean, whole.low, whole.high, df, whole.error, two_sided(mean / variance**0.5, df)
    )


def _crossed(x: NDArray[np.float64]) -> tuple[float, float, float]:
    """Grand mean of (s, n), its variance with both factors random, and degrees of freedom.

    ``(MS_seeds + MS_images - MS_residual) / (s n)``, with those of Satterthwaite (1946); never
    below what either factor alone says.
    """
    seeds, images = x.shape
    mean = float(x.mean())
    by_seed, by_image = x.mean(axis=1) - mean, x.mean(axis=0) - mean
    ms_images = seeds * float(by_image @ by_image) / max(images - 1, 1)
    if seeds == 1 or images == 1:
        ms_seeds = images * float(by_seed @ by_seed) / max(seeds - 1, 1)
        return mean, (ms_images + ms_seeds) / x.size, max(seeds, images, 2) - 1.0
    ms_seeds = images * float(by_seed @ by_seed) / (seeds - 1)
    rest = x - mean - by_seed[:, None] - by_image
    rest_df = (seeds - 1.0) * (images - 1.0)
    ms_rest = float((rest * rest).sum()) / rest_df
    if ms_seeds <= ms_rest:  # seeds that differ less than chance has it add nothing
        return mean, ms_images / x.size, images - 1.0
    if ms_images <= ms_rest:
        return mean, ms_seeds / x.size, seeds - 1.0
    total = ms_seeds + ms_images - ms_rest
    squares = ms_seeds**2 / (seeds - 1) + ms_images**2 / (images - 1) + ms_rest**2 / rest_df
    return mean, total / x.size, total**2 / squares


def _mcnemar(for_us: int, against: int) -> float:
    """Two-sided exact binomial p value of the images on which two methods differ."""
    from scipy.special import bdtr

    few, all_of_them = min(for_us, against), for_us + against
    return min(1.0, 2 * float(bdtr(few, all_of_them, 0.5)))
