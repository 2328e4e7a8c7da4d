"""What many metrics compute first of a source's features: for use with `Probe.shared`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Probe

Array = NDArray[np.float64]


def doubles(probe: Probe) -> Array:
    """The features in float64, (n, d), C-contiguous and read-only."""
    return _frozen(np.ascontiguousarray(probe.features, dtype=np.float64).view())


def centred(probe: Probe) -> Array:
    """The features less the mean of each column, (n, d); a constant column is 0 exactly."""
    x = probe.shared(doubles)
    x = x - x.mean(axis=0)
    constant = np.ptp(probe.features, axis=0) == 0
    if constant.any():
        x[:, constant] = 0
    return _frozen(x)


def gram(probe: Probe) -> Array:
    """The smaller Gram matrix of the features: X X' where n < d, else X' X."""
    return _frozen(_smaller(probe.shared(doubles)))


def centred_gram(probe: Probe) -> Array:
    """The smaller Gram matrix of the centred features: (n, n) where n < d, else (d, d)."""
    return _frozen(_smaller(probe.shared(centred)))


def _smaller(x: Array) -> Array:
    product: Array = x @ x.T if len(x) < x.shape[1] else x.T @ x
    return product


def _frozen(x: Array) -> Array:
    x.flags.writeable = False
    return x
