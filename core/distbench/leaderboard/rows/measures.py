"""By which measure methods are compared: what tables must know of it, and its value of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from distbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class MeasureFacts:
    """A measure.

    Attributes:
        name: As one types it.
        title: In words.
        higher_is_better: Which way methods are ranked.
        percent: Whether values in 0..1 are shown as percent, or any as they are.
        share: Whether it counts test images, so that a few of them bound how sure a difference is.
    """

    name: str
    title: str
    higher_is_better: bool = True
    percent: bool = True
    share: bool = False

    @property
    def sign(self) -> int:
        """1, or -1 where the lowest is the best."""
        return 1 if self.higher_is_better else -1


class Judged(NamedTuple):
    """What a measure says of a cell.

    Attributes:
        value: None where it says nothing.
        reason: Why it does not.
        hits: Where it is a share of the test images, those that count, as `CellResult.hits`.
        blocks: Where it is none, jackknife pseudo-values of the blocks of test images, whose mean
            is the value; blocks are the same for all cells on a task. Empty where there are none.
    """

    value: float | None
    reason: str = ""
    hits: bytes | None = None
    blocks: tuple[float, ...] = ()


ACCURACY = MeasureFacts("accuracy", "accuracy", share=True)
IN_ROWS = {
    one.name: one
    for one in (ACCURACY, MeasureFacts("balanced_accuracy", "balanced accuracy", share=True))
}
"""Measures whose values every row holds."""


def given_measure(measure: str | MeasureFacts | None) -> MeasureFacts | None:
    """The one measure of all tasks that was asked for; None for each task's own.

    Raises:
        UsageError: A name alone will not do for it: rows do not hold its values.
    """
    if measure is None or isinstance(measure, MeasureFacts):
        return measure
    if measure not in IN_ROWS:
        raise UsageError(f"unknown measure {measure!r}: choose {' or '.join(IN_ROWS)}.")
    return IN_ROWS[measure]


def refuse_mixed(tasks: Sequence[str], measures: Sequence[MeasureFacts]) -> None:
    """Refuses measures over which no mean is to be had.

    Raises:
        UsageError: Higher is better of one and worse of another, or one is in percent and another
            not.
    """
    first = measures[0]
    for task, one in zip(tasks, measures, strict=True):
        if (one.sign, one.percent) != (first.sign, first.percent):
            raise UsageError(
                f"there is no mean over {first.name} on {tasks[0]} and {one.name} on {task}: they "
                "differ in what is better or in their unit; choose one for all with --measure"
            )
