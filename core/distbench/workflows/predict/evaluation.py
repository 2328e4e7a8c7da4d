"""How right a model is on images whose classes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.statistics.images import accuracy_interval
from distbench.storage.predictions import answered_rightly, balanced_accuracy


@dataclass(frozen=True)
class OfClass:
    """How right a model is on one class.

    Attributes:
        name: The class.
        images: How many show it.
        predicted: How many are said to.
        recall: Share of those that show it that are said to; None where none does.
        precision: Share of those that are said to that do; None where none is.
    """

    name: str
    images: int
    predicted: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class Evaluation:
    """How right a model is.

    Attributes:
        images: How many images it was judged on.
        accuracy: Share that is answered rightly: in every class, where there may be several.
        low: Of its 95 % interval for other images of the kind; None where there is none.
        high: Of the same.
        balanced_accuracy: Mean over the classes that occur, as on a leaderboard.
        classes: One by one.
        confusion: How often the class of the row is taken for that of the column, (c, c); where an
            image may show several, for each class (shown and said, not said; not shown but said,
            neither).
        several: Whether an image may show several classes.
    """

    images: int
    accuracy: float
    low: float | None
    high: float | None
    balanced_accuracy: float
    classes: tuple[OfClass, ...]
    confusion: tuple[tuple[int, ...], ...]
    several: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def confused(self) -> list[tuple[str, str, int]]:
        """Pairs of classes of which the first is taken for the second, the most frequent first."""
        names = [one.name for one in self.classes]
        pairs = [
            (names[row], names[column], count)
            for row, counts in enumerate(self.confusion)
            for column, count in enumerate(counts)
            if not self.several and row != column and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])


def evaluate(
    predicted: Sequence[tuple[int, ...]],
    labels: Sequence[tuple[int, ...]],
    classes: Sequence[str],
    *,
    several: bool,
) -> Evaluation:
    """Counts what is right, with the intervals of the leaderboard.

    Args:
        predicted: Numbers of the classes that are named for each image.
        labels: Numbers of the classes that it shows.
        classes: Their names.
        several: Whether an image may show several classes, or none.
    """
    said, truth = (_table(numbers, len(classes)) for numbers in (predicted, labels))
    if several:
        answers, known = said.astype(np.int64), truth.astype(np.int64)
        both, silent = (said & truth).sum(axis=0), (truth & ~said).sum(axis=0)
        loud, neither = (said & ~truth).sum(axis=0), (~said & ~truth).sum(axis=0)
        confusion = np.stack([both, silent, loud, neither], axis=1)
    else:
        answers, known = said.argmax(axis=1), truth.argmax(axis=1)
        confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(confusion, (known, answers), 1)
    hits = answered_rightly(answers, known)
    interval = accuracy_interval(hits[None])
    right = (said & truth).sum(axis=0)
    by_class = tuple(
        OfClass(name, int(shown), int(named), _share(both, shown), _share(both, named))
        for name, shown, named, both in zip(
            classes, truth.sum(axis=0), said.sum(axis=0), right, strict=True
        )
    )
    return Evaluation(
        images=len(hits),
        accuracy=interval.mean,
        low=interval.low,
        high=interval.high,
        balanced_accuracy=balanced_accuracy(answers, known),
        classes=by_class,
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        several=several,
    )


def _table(numbers: Sequence[tuple[int, ...]], classes: int) -> NDArray[np.bool_]:
    """(n, c): which classes each image has."""
    table = np.zeros((len(numbers), classes), dtype=np.bool_)
    for row, own in zip(table, numbers, strict=True):
        row[list(own)] = True
    return table


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
