"""Streams of images, as methods ask for them, and the batches that a loss is given of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from distbench.errors import ArgumentError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

View = Callable[["torch.Tensor", "torch.Tensor", "torch.Generator"], "torch.Tensor"]
"""Makes what a loss sees of a batch from its stored images, uint8 (b, s, s, 3) on the device, their
positions, int64 (b,) on the device, and a generator on the CPU for everything that is drawn. Images
and positions are its own: it may write into them."""


@dataclass(frozen=True)
class Stream:
    """An endless stream of images, each epoch in a new random order.

    Attributes:
        positions: Positions in the images, whole numbers (n,); no boolean mask. Copied, int64 and
            read-only.
        batch: Images of one step; an epoch has ``n / batch`` steps.
        views: Names of the views that are made of each: ``plain``, ``weak`` or ``strong``; or a
            mapping from names of one's own to those, to views such as `RandomResizedCrop`, or to
            functions: ``{"a": "strong", "b": "strong"}`` are two draws of the same image.
        labels: int64 (m,), or (m, c) where an image may show several classes; aligned with the
            images (not with `positions`), so that m is how many images there are; None if not
            needed. Soft labels are `targets`.
        targets: Cached arrays by name, aligned with the images too; memory-mapped is fine.
        of: Which images: the task's ``train`` images or those of the ``transfer`` set.
        weights: How often each position is drawn in proportion to the others, floats (n,) >= 0, not
            all of them 0 (`class_balanced` makes them): then batches are drawn independently, with
            replacement, and there are no epochs. None to draw each once before any comes again.
        drop_last: Whether the images that an epoch leaves over, fewer than a batch, are left out
            of it; otherwise a batch takes them together with the first of the next epoch.
        seed: Of order and views; None to derive it from the setting, the phase and the name.

    Raises:
        ValueError: Positions or labels are no whole numbers or of another shape, `batch` is no
            whole number above 0, weights are negative or of another number than the positions, or
            with `drop_last` no batch would be left.
    """

    positions: NDArray[np.int64]
    batch: int
    views: tuple[str, ...] | Mapping[str, str | View] = ("weak",)
    labels: NDArray[np.int64] | None = None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    of: Literal["train", "transfer"] = "train"
    weights: NDArray[np.floating] | None = None
    drop_last: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", _positions(self.positions))
        if self.labels is not None:
            object.__setattr__(self, "labels", _labels(self.labels))
        batch = as_int(self.batch)
        if batch is None or batch < 1:
            raise ValueError(f"batch is {self.batch!r}; it is a whole number of images, 1 at least")
        object.__setattr__(self, "batch", batch)
        if self.weights is not None:
            weights = _weights(self.weights, len(self.positions), self.drop_last)
            object.__setattr__(self, "weights", weights)
        if self.drop_last and len(self.positions) < self.batch:
            raise ValueError(
                f"{len(self.positions)} images make no batch of {self.batch}, and drop_last leaves "
                "out what is less"
            )


def as_int(number: object) -> int | None:
    """A whole number of any library as Python's own; None for what is none, a bool too."""
    if isinstance(number, Integral) and not isinstance(number, bool):
        return int(number)
    return None


def _positions(given: Any) -> NDArray[np.int64]:
    positions = np.asarray(given)
    if positions.dtype == bool:
        raise ValueError("positions are a boolean mask; give np.flatnonzero(mask)")
    if positions.ndim != 1 or (positions.dtype.kind not in "iu" and positions.size):
        raise ValueError(
            f"positions are {positions.dtype} {positions.shape}; give whole numbers of shape (n,)"
        )
    own = positions.astype(np.int64)
    own.flags.writeable = False
    return own


def _weights(given: Any, count: int, drop_last: bool) -> NDArray[np.float64]:
    weights = np.array(given, dtype=np.float64)
    if weights.shape != (count,):
        raise ValueError(
            f"weights have shape {weights.shape}; give one for each of the {count} positions"
        )
    if not np.isfinite(weights).all() or weights.min(initial=0) < 0 or not weights.any():
        raise ValueError("weights are finite, >= 0 and not all 0")
    if drop_last:
        raise ValueError("with weights there are no epochs, so drop_last means nothing")
    weights.flags.writeable = False
    return weights


def class_balanced(labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Weights by which each class is drawn as often as any other: ``1 / images of the class``.

    Args:
        labels: (n,) class numbers, those of a stream's positions.

    Returns:
        float64 (n,).

    Example::

        >>> import numpy as np
        >>> class_balanced(np.array([0, 0, 0, 1]))
        array([0.33333333, 0.33333333, 0.33333333, 1.        ])
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / counts[inverse]
    return weights


def _labels(given: Any) -> NDArray[np.int64]:
    labels = np.asarray(given)
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "iub":
        raise ValueError(
            f"labels are {labels.dtype} {labels.shape}; give class numbers of shape (m,) or, where "
            "an image may show several classes, 0 and 1 of shape (m, c). Soft ones are targets"
        )
    return labels.astype(np.int64, copy=False)


@dataclass(frozen=True)
class Batch:
    """One step's images of one stream, on the device.

    Attributes:
        views: View to images, float (b, 3, s, s) in 0..1; to what it returns, for one's own.
        labels: int64 (b,) or (b, c); `UNLABELLED` throughout where the stream has no labels.
        targets: Name to float32 (b, ...).
        positions: int64 (b,), which images they are.
    """

    views: Mapping[str, torch.Tensor]
    labels: torch.Tensor
    targets: Mapping[str, torch.Tensor]
    positions: torch.Tensor


class NoSuchNameError(ArgumentError, KeyError):
    """A name that there is not, of what a loss is given."""

    __str__ = BaseException.__str__  # not in quotation marks, as that of a KeyError


class Named(dict[str, T]):
    """What there is by name; another name is an error that says which there are.

    Args:
        what: What it holds, in the singular.
        values: By name.
    """

    def __init__(self, what: str, values: Mapping[str, T]) -> None:
        super().__init__(values)
        self._what = what

    def __missing__(self, name: object) -> T:
        there = ", ".join(map(repr, self)) or "none"
        raise NoSuchNameError(f"there is no {self._what} {name!r}; there is {there}")


@dataclass(frozen=True)
class Batches(Mapping[str, Batch]):
    """What a loss is given: one batch of every stream by name, and where training is.

    Attributes:
        streams: The batches, as the mapping itself has them.
        step: The optimiser step, counted from 1.
        steps: How many the phase has.
        average: The moving average of the model, where `Phase.ema` is ``"teacher"``, else None:
            from images to logits, with `features` and `classify` as a `Classifier` has them, in
            evaluation mode and without gradients. What it is shown is counted.
    """

    streams: Mapping[str, Batch]
    step: int
    steps: int
    average: Any = None

    def __getitem__(self, name: str) -> Batch:
        return self.streams[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)
