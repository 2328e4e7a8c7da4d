"""The probe: what a metric sees of one source and one task."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench.errors import Declined
from distbench.sources import SourceInfo

Floats = NDArray[np.floating]
Need = Literal["features", "logits", "reference", "source_info", "zoo"]


class Labels:
    """Labels of a probe and what depends on them alone, computed once for all sources.

    Class ids are made dense: an id that does not occur has no part in any score.

    Args:
        labels: (n,) integers.

    Attributes:
        ids: int64 (n,), dense class numbers 0..C-1 in the order of the original ids.
        counts: int64 (C,), images of each class.
    """

    def __init__(self, labels: ArrayLike) -> None:
        raw = np.asarray(labels)
        if raw.ndim != 1 or not np.issubdtype(raw.dtype, np.integer):
            raise ValueError(f"labels must be integers of shape (n,), got {raw.dtype} {raw.shape}")
        _, inverse, counts = np.unique(raw, return_inverse=True, return_counts=True)
        self.ids: NDArray[np.int64] = inverse.astype(np.int64)
        self.counts: NDArray[np.int64] = counts.astype(np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_classes(self) -> int:
        """Number of classes that occur."""
        return len(self.counts)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """int64 (n,), image positions sorted by class (stable)."""
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 (C,), where each class begins in `order`."""
        return np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)

    @cached_property
    def onehot(self) -> NDArray[np.float64]:
        """float64 (n, C)."""
        return np.eye(self.num_classes)[self.ids]

    def class_sums(self, rows: Floats) -> Floats:
        """Sums of rows over each class: (n, d) to (C, d)."""
        sums: Floats = np.add.reduceat(rows[self.order], self.starts, axis=0)
        return sums


class Probe:
    """Labelled images with one source's features and logits on them.

    What a metric did not ask for in `Metric.needs` may be absent; reading it declines.

    Args:
        labels: (n,) integers or a shared `Labels`.
        features: (n, d) floats.
        logits: (n, z) floats over the source's classes.
        probabilities: (n, z), for a source of which only these are known.
        reference: (n, r) features of a reference model on the same images.
        source: Facts about the source.
        seed: For metrics that draw at random.
    """

    def __init__(
        self,
        labels: ArrayLike | Labels,
        *,
        features: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        reference: ArrayLike | None = None,
        source: SourceInfo | None = None,
        seed: int = 0,
    ) -> None:
        self.labels = labels if isinstance(labels, Labels) else Labels(labels)
        self.seed = seed
        self._source = source
        self._features = self._matrix("features", features)
        self._logits = self._matrix("logits", logits)
        self._probabilities = self._matrix("probabilities", probabilities)
        self._reference = self._matrix("reference", reference)

    def _matrix(self, name: str, value: ArrayLike | None) -> Floats | None:
        if value is None:
            return None
        matrix = np.asarray(value)
        if matrix.ndim != 2 or len(matrix) != len(self.labels):
            raise ValueError(
                f"{name} must have shape ({len(self.labels)}, d) to go with the labels, "
                f"got {matrix.shape}"
            )
        if not np.issubdtype(matrix.dtype, np.floating):
            matrix = matrix.astype(np.float64)
        return matrix

    @staticmethod
    def _given(name: str, value: Floats | None) -> Floats:
        if value is None:
            raise Declined(f"needs {name}, which this source does not offer")
        return value

    @property
    def features(self) -> Floats:
        """(n, d), in the precision they were given in."""
        return self._given("features", self._features)

    @property
    def logits(self) -> Floats:
        """(n, z)."""
        return self._given("logits", self._logits)

    @property
    def reference(self) -> Floats:
        """(n, r) features of the reference model."""
        return self._given("reference features", self._reference)

    @property
    def source(self) -> SourceInfo:
        """Facts about the source."""
        if self._source is None:
            raise Declined("needs facts about the source (architecture, size), none were given")
        return self._source

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 (n, z): softmax of the logits (of sigmoid sources too, as PARC does)."""
        if self._probabilities is not None:
            return self._probabilities.astype(np.float64)
        logits = self.logits.astype(np.float64)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return result
