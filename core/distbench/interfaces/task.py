"""The contract of tasks: classes, parts and labels before any image is decoded, then the images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Task(Component, ABC):
    """A data set to be learnt."""

    @abstractmethod
    def index(self) -> TaskIndex:
        """Classes, parts, labels and fingerprint; decodes no image.

        Raises:
            DataError: The data cannot be used; says which and what to do.
        """

    @abstractmethod
    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:
        """Decoded images, RGB, each (h, w, 3) in its original size, one for each position.

        May be called from several threads at once. Other shapes and types are refused.

        Raises:
            CorruptImageError: An image cannot be decoded; names it.
        """

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`; images much larger than a short side of `side` may come smaller.

        Where that is decoded faster: no side below twice `side`.
        """
        return self.read(part, positions)

    def deep_bits(self) -> int:
        """How many bits of images with 16 hold something; `read` keeps the upper 8 of them.

        What is shipped scales the images that it is given in the same way.
        """
        return 16

    def accepts_copies(self) -> bool:
        """Whether to go on where many test or validation images are those of another part.

        Asked where more than `MOST_COPIES` of them show the same picture. Where the parts are
        published and results are compared on them, there is nothing to mend: they are counted.
        """
        return True

    def multi_labels(self, part: str) -> NDArray[np.int64] | None:
        """Labels of images that may show several classes: those of the index, where it has such.

        A task that has them here alone serves `distbench zoo build`, and is no target task.

        Args:
            part: ``train`` or ``test``.

        Returns:
            (n, c) with 1 where an image shows a class, 0 where not and -1 where that is not to be
            judged; None where an image has one class, which is in the index.
        """
        labels = self.index().parts[part].labels
        return labels if labels.ndim == 2 else None


UNLABELLED = -1
"""Label of an image whose class is not known."""

MOST_COPIES = 0.05
"""Share of a part's images that may be those of another part before a task is refused."""


@dataclass(frozen=True)
class Part:
    """The images of one part of a task, in a fixed order.

    Attributes:
        labels: int64 (n,), class numbers; `UNLABELLED` where none is known, which a test or
            validation image of a task that is run must not be. Where an image may show several
            classes, in all parts: int64 (n, c) with 1 where it shows a class, 0 where not and
            `UNLABELLED` where that is not to be judged, all along a row where nothing is known.
        names: n different names, by which an image is called in messages and is left out.
        groups: int64 (n,), or None where each image stands for itself. Images with the same
            number, in whichever part, belong together (copies, one patient, one burst) and are
            never divided between training and validation.
    """

    labels: NDArray[np.int64]
    names: Sequence[str]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def is_labelled(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of which images something is known (n,), by labels (n,) or (n, c)."""
    known = labels != UNLABELLED
    whole: NDArray[np.bool_] = known if labels.ndim == 1 else known.any(axis=1)
    return whole


@dataclass(frozen=True)
class TaskIndex:
    """Classes, parts and labels of a task.

    Attributes:
        classes: Class names; their order is that of the class numbers.
        parts: ``train`` and ``test`` always. ``train`` may hold images without a label. An own
            ``validation`` part is used instead of carving one from ``train``.
        fingerprint: Changes whenever an image, a label, a group or a split changes, and only then.
            A parameter that changes what `Task.read` gives of the same files, such as
            `Task.deep_bits`, is part of it.
        seen_by: Data sets whose models have seen images of this task (matched with
            `SourceInfo.trained_on`).
        notes: What a reader of the results should know, for example how a split was made.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, Part]
    fingerprint: str
    seen_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def several(self) -> bool:
        """Whether an image may show several classes."""
        return self.parts["train"].labels.ndim == 2
