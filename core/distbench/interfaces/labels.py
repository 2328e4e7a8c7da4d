"""The labels of a probe, and what depends on them alone: one class an image, or several."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from distbench.errors import ArgumentError, Declined
from distbench.interfaces.read_only import read_only
from distbench.interfaces.shared_values import SharedValues

Floats = NDArray[np.floating]


class Labels(SharedValues):
    """Labels of a probe and what depends on them alone, computed once for all sources.

    Class ids are made dense: an id that does not occur has no part in any score.

    Args:
        labels: (n,) integers >= 0, numpy or torch, of at least two classes.

    Attributes:
        counts: int64 (C,), images of each class.
        several: Whether an image may show several classes: then they are `MultiLabels`.

    Raises:
        ArgumentError: They are something else.
    """

    several: ClassVar[bool] = False

    def __init__(self, labels: ArrayLike) -> None:
        super().__init__()
        raw = as_numpy(labels)
        if raw.ndim != 1 or not np.issubdtype(raw.dtype, np.integer):
            raise ArgumentError(
                f"labels must be class numbers, integers of shape (n,), got {raw.dtype} {raw.shape}"
            )
        if len(raw) and raw.min() < 0:
            raise ArgumentError(
                f"labels must be >= 0, but label {int(raw.argmin())} is {raw.min()}; leave out "
                "images without a label"
            )
        values, inverse, counts = np.unique(raw, return_inverse=True, return_counts=True)
        if len(values) < 2:
            raise ArgumentError(
                f"labels must be of at least two classes, got {len(raw)} labels of {len(values)}; "
                "with one class there is nothing to tell apart"
            )
        self._ids = self._hand_out("ids", read_only(inverse.astype(np.int64)))
        self.counts = self._hand_out("counts", read_only(counts.astype(np.int64)))
        self._settled = True

    def __len__(self) -> int:
        return len(self.array)

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.int64]:
        return self.array.astype(dtype or self.array.dtype, copy=bool(copy))

    def __eq__(self, other: object) -> Any:
        """Raises: it would be one answer where an answer an image is meant."""
        raise TypeError("labels are no array; compare their numbers, e.g. probe.labels.ids == 0")

    __hash__ = object.__hash__

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64 (n,), dense class numbers 0..C-1 in the order of the original ids."""
        return self._ids

    @property
    def array(self) -> NDArray[np.int64]:
        """What numpy makes of them: `ids`, or the matrix of `MultiLabels`."""
        return self.ids

    @property
    def num_classes(self) -> int:
        """Number of classes that occur."""
        return len(self.counts)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """int64 (n,), image positions sorted by class (stable)."""
        return self._hand_out("order", read_only(np.argsort(self.ids, kind="stable")))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 (C,), where each class begins in `order`."""
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        return self._hand_out("starts", read_only(starts))

    @cached_property
    def onehot(self) -> NDArray[np.float64]:
        """float64 (n, C)."""
        return self._hand_out("onehot", read_only(np.eye(self.num_classes)[self.ids]))

    @cached_property
    def _membership(self) -> Any:
        """Sparse (C, n): 1 where an image is of a class."""
        from scipy.sparse import csr_matrix

        n, ends = len(self), np.append(self.starts, len(self))
        sparse = csr_matrix((np.ones(n), self.order, ends), shape=(self.num_classes, n))
        return self._hand_out("membership", sparse)

    def class_sums(self, rows: Floats) -> NDArray[np.float64]:
        """Sums of rows over each class, in float64: (n, d) to (C, d)."""
        sums: NDArray[np.float64] = self._membership @ rows
        return sums


class MultiLabels(Labels):
    """Labels of a probe whose images may show several classes.

    `counts`, `onehot` and `class_sums` are as those of `Labels`, over the images that show a class;
    what is not known counts as not shown. What is of one class an image, `ids`, `order` and
    `starts`, is absent; reading it declines. Classes that all images show, or none, are left out.

    Args:
        labels: (n, c) integers, numpy or torch: 1 where an image shows a class, 0 where not, -1
            where that is not known.

    Raises:
        ArgumentError: They are something else, or no class is shown by some images and not by
            others.
    """

    several: ClassVar[bool] = True

    def __init__(self, labels: ArrayLike) -> None:
        SharedValues.__init__(self)
        raw = as_numpy(labels)
        if raw.ndim != 2 or raw.dtype.kind not in "iub":
            raise ArgumentError(
                f"labels of images that may show several classes must be 1, 0 or -1, integers of "
                f"shape (n, c), got {raw.dtype} {raw.shape}"
            )
        if raw.size and not (int(raw.min()) >= -1 and int(raw.max()) <= 1):
            raise ArgumentError(
                f"labels of shape (n, c) must be 1, 0 or -1, got {raw.min()}..{raw.max()}"
            )
        shown = raw == 1  # (n, c)
        shown = shown[:, shown.any(axis=0) & ~shown.all(axis=0)]
        if not shown.shape[1]:
            raise ArgumentError(
                f"no class of these {len(raw)} images is shown by some and not by others; there is "
                "nothing to tell apart"
            )
        self._shown = self._hand_out("shown", read_only(shown.astype(np.int64)))
        self.counts = self._hand_out("counts", read_only(self._shown.sum(axis=0)))
        self._settled = True

    @property
    def ids(self) -> NDArray[np.int64]:
        """There are none.

        Raises:
            Declined: Always.
        """
        raise Declined("needs images of one class each")

    @property
    def array(self) -> NDArray[np.int64]:
        """int64 (n, C), 1 where an image shows a class, 0 elsewhere."""
        return self._shown

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """There are none.

        Raises:
            Declined: Always.
        """
        return self.ids

    @cached_property
    def onehot(self) -> NDArray[np.float64]:
        """float64 (n, C), the same as floats: of one image as many 1 as it shows classes."""
        return self._hand_out("onehot", read_only(self._shown.astype(np.float64)))

    def class_sums(self, rows: Floats) -> NDArray[np.float64]:
        """Sums of rows over the images that show each class, in float64: (n, d) to (C, d)."""
        sums: NDArray[np.float64] = self.onehot.T @ rows
        return sums


def labels_of(labels: ArrayLike) -> Labels:
    """Labels of a probe: `MultiLabels` of a matrix, `Labels` of class numbers.

    Raises:
        ArgumentError: They are neither.
    """
    raw = as_numpy(labels)
    return MultiLabels(raw) if raw.ndim == 2 else Labels(raw)


def as_numpy(value: Any) -> NDArray[Any]:
    """An array or tensor on any device as numpy; a torch type that numpy lacks becomes float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        return np.asarray(value.numpy())
    return np.asarray(value)
