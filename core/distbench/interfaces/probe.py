"""The probe: what a metric sees of one source and one task."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench.errors import ArgumentError, Declined
from distbench.interfaces.context import Context, Surroundings
from distbench.interfaces.labels import Floats, Labels, as_numpy, labels_of
from distbench.interfaces.read_only import read_only
from distbench.interfaces.shared_values import SharedValues
from distbench.interfaces.zoo import SourceInfo

if TYPE_CHECKING:
    import torch

__all__ = ["Labels", "Probe"]

T = TypeVar("T")
_NOTHING = Surroundings()

_LARGEST = 1e140
"""Beyond it, squares do not fit float64."""
_SUM_TO_ONE = 1e-3
"""How far probabilities may sum from 1; float16 ones are off by up to so much."""


def _of_two_classes(logits: Floats | None) -> Floats | None:
    """Logits (n, z); a single one as those of two classes."""
    if logits is None or logits.shape[1] != 1:
        return logits
    return read_only(np.concatenate([np.zeros_like(logits), logits], axis=1))


class Probe(SharedValues):
    """Labelled images with one source's features and logits on them; all arrays are read-only.

    All numbers are finite and small enough to be squared. What a metric did not ask for in
    `Metric.needs` may be absent; reading it declines.

    Args:
        labels: (n,) integers, (n, c) of 0 and 1 where an image may show several classes, or a
            shared `Labels`.
        features: (n, d) floats, numpy or torch.
        logits: (n, z) floats over the source's classes; (n, 1) of a source that tells two classes
            apart by one logit x become (0, x), whose softmax is 1 - sigmoid(x) and sigmoid(x).
        probabilities: (n, z), for a source of which only these are known.
        reference: (n, r) features of a reference model on the same images.
        source: Facts about the source.
        seed: For metrics that draw at random.
        around: What a metric sees besides, where it asked for it.

    Raises:
        ArgumentError: Shapes do not go together, a number is NaN or infinite, or probabilities
            are negative or do not sum to 1.
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
        around: Surroundings = _NOTHING,
    ) -> None:
        super().__init__()
        self.labels = labels if isinstance(labels, Labels) else labels_of(labels)
        self.seed = seed
        self._source = source
        self._around = around
        self._features = self._matrix("features", features)
        self._logits = _of_two_classes(self._matrix("logits", logits))
        self._probabilities = self._matrix("probabilities", probabilities)
        self._reference = self._matrix("reference", reference)
        self._hand_out("given", self.arrays())
        self._settled = True

    def intact(self) -> bool:
        """As that of its labels, too."""
        return super().intact() and self.labels.intact()

    def arrays(self) -> list[NDArray[Any]]:
        """All that it was made of, labels first."""
        given = (self._features, self._logits, self._probabilities, self._reference)
        return [self.labels.array, *(array for array in given if array is not None)]

    def _matrix(self, name: str, value: ArrayLike | None) -> Floats | None:
        if value is None:
            return None
        matrix = as_numpy(value)
        if matrix.ndim != 2 or len(matrix) != len(self.labels) or not matrix.shape[1]:
            raise ArgumentError(
                f"{name} must have shape ({len(self.labels)}, d) with d > 0 to go with the "
                f"{len(self.labels)} labels, got {matrix.shape}"
            )
        if not np.issubdtype(matrix.dtype, np.floating):
            if not np.issubdtype(matrix.dtype, np.integer) and matrix.dtype != np.bool_:
                raise ArgumentError(f"{name} must be real numbers, got {matrix.dtype}")
            matrix = matrix.astype(np.float64)
        matrix = read_only(matrix)
        if name == "probabilities" and _sum_to_one(matrix):
            return matrix
        low, high = float(matrix.min()), float(matrix.max())  # NaN comes through both
        if not (low > -_LARGEST and high < _LARGEST):
            bad = ~(np.abs(matrix.astype(np.float64)) < _LARGEST)
            row, column = np.argwhere(bad)[0]
            raise ArgumentError(
                f"{name} must be finite and below {_LARGEST:g}, but {int(bad.sum())} numbers are "
                f"not, the first in row {row}, column {column}: {matrix[row, column]}"
            )
        if name == "probabilities":
            raise ArgumentError(_not_probabilities(matrix))
        return matrix

    @staticmethod
    def _given(name: str, value: T | None) -> T:
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

    @property
    def context(self) -> Context:
        """The task as a strategy sees it: class names, validation and unlabelled images."""
        return self._given("the context of a task", self._around.context)

    @property
    def positions(self) -> NDArray[np.int64]:
        """int64 (n,), which of the context's train images those of the probe are."""
        return self._given("the context of a task", self._around.positions)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """uint8 (n, t, t, 3), square and stored for the source's input, at least as large."""
        make = self._given("images", self._around.images)
        return self._hand_out("images", read_only(make()))

    def module(self) -> torch.nn.Module:
        """The source as a torch module in evaluation mode, made anew at each call.

        From images (b, 3, s, s) in 0..1 of any size, and layers by path if wanted, to
        `NetworkOutputs` with gradients: ``module(images, layers=("layer3",)).layers["layer3"]``.
        """
        return self._given("a torch module", self._around.module)()

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 (n, z): softmax of the logits (of sigmoid sources too, as PARC does)."""
        if self._probabilities is not None:
            return read_only(self._probabilities.astype(np.float64, copy=False))
        logits = self.logits.astype(np.float64)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return self._hand_out("probabilities", read_only(result))


def _sum_to_one(matrix: Floats) -> bool:
    """Whether these are probabilities; then they are finite too."""
    sums = matrix.astype(np.float32, copy=False) if matrix.dtype == np.float16 else matrix
    off = np.abs(sums @ np.ones(matrix.shape[1], dtype=sums.dtype) - 1)
    return bool(off.max() <= _SUM_TO_ONE and matrix.min() >= 0)


def _not_probabilities(matrix: Floats) -> str:
    """What is wrong with them."""
    if matrix.min() < 0:
        return f"probabilities must be >= 0, got {matrix.min():g}"
    sums = matrix.sum(axis=1, dtype=np.float64)
    worst = int(np.abs(sums - 1).argmax())
    return (
        f"probabilities of each image must sum to 1, row {worst} sums to {sums[worst]:g}; give raw "
        "outputs as logits"
    )
