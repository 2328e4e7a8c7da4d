"""How logits are made of a trained student's when it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from distbench.interfaces.training.views import TestView


class TrainedStudent(Protocol):
    """A student as `Method.inference` sees it: trained up to now, in evaluation mode."""

    def features(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Pooled features (m, d) of plain train images.

        Args:
            positions: (m,), none of a validation image.

        Raises:
            PluginError: Some are of validation images.
        """

    def logits(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (m, c) of plain train images, as training left the head."""


@dataclass(frozen=True)
class Inference:
    """What is done at evaluation, to validation and test images alike.

    Attributes:
        adjust: (c,), added to the logits of every view; for example -tau times the logarithms of
            the classes' shares (Menon et al., "Long-tail learning via logit adjustment", ICLR
            2021). It goes into the bias of a linear head, or the buffer ``offset`` of another one,
            so it costs nothing and is exported.
        views: Of each image, whose outputs are averaged: ``plain``, ``flip``, ``centre``,
            ``top_left``, ``top_right``, ``bottom_left``, ``bottom_right``, ``crops`` for the five
            crops, or functions of images (b, 3, s, s) in 0..1 that draw nothing. ``flip`` is left
            out on tasks with ``flip = false``. Each is one more pass through the student, and
            counts in the row's latency and multiply-accumulates.
        mean: Of the views' probabilities, or of their logits.
        head: Tensors by name that take the place of the head's, for example class means as
            ``prototypes``.
    """

    adjust: NDArray[np.floating] | None = None
    views: Sequence[str | TestView] = ("plain",)
    mean: Literal["probabilities", "logits"] = "probabilities"
    head: Mapping[str, Any] = field(default_factory=dict)


def class_means(
    features: NDArray[np.floating], labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float32]:
    """Mean features of each class (c, d), for `distbench.PrototypeHead`.

    Args:
        features: (n, d).
        labels: (n,) in 0..c-1.
        num_classes: Number of classes c.

    Raises:
        ValueError: A class has no image.

    Example::

        >>> class_means(np.array([[0.0, 2.0], [2.0, 4.0], [5.0, 5.0]]), np.array([0, 0, 1]), 2)
        array([[1., 3.],
               [5., 5.]], dtype=float32)
    """
    counts = np.bincount(labels, minlength=num_classes)
    if not counts.all():
        raise ValueError(f"class {int(counts.argmin())} has no labelled image, so no mean")
    sums = np.zeros((num_classes, features.shape[1]))
    np.add.at(sums, labels, features.astype(np.float64))
    means: NDArray[np.float32] = (sums / counts[:, None]).astype(np.float32)
    return means
