"""Measures asked for what they say of finished cells, from predictions, probabilities and labels.

Rows hold accuracy and balanced accuracy. Whatever else is wanted is computed from what was kept of
the one time that the test images were shown, so a measure may be written after a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import Declined, PluginError, UnknownNameError
from distbench.interfaces.calls import naming
from distbench.interfaces.measure import Measure
from distbench.interfaces.read_only import read_only
from distbench.leaderboard.rows.measures import ACCURACY, IN_ROWS, Judged, MeasureFacts
from distbench.plugins.registry import Registry
from distbench.storage.predictions import Predictions
from distbench.storage.probabilities import Logs, probabilities
from distbench.storage.rows import Row

_NO_LABELS = "the labels of its test images are not at hand"
_NOTHING_KEPT = (
    "no probabilities are kept: an older distbench computed it, or it has more than 1,000 classes"
)
_NOT_THERE = "its probabilities are not in what was read, or are damaged"


def facts_of(measure: Measure) -> MeasureFacts:
    """What tables must know of a measure."""
    if measure.label in IN_ROWS:
        return IN_ROWS[measure.label]
    return MeasureFacts(
        measure.label,
        measure.title,
        measure.higher_is_better,
        measure.unit == "percent",
        type(measure).hits is not Measure.hits,
    )


class Judging:
    """The measures of one leaderboard.

    Args:
        names: The installed components.
        common: What every task is judged by, as one types it; each task's own measure if None.

    Attributes:
        names: The installed components.
        common: What tables must know of it.
        notes: What a person should know, one line each.

    Raises:
        UnknownNameError: There is no such measure.
        UsageError: A parameter of it is wrong.
    """

    def __init__(self, names: Registry, common: str | None = None) -> None:
        self.names = names
        self._made: dict[str, Measure | None] = {}
        self.notes: dict[str, None] = {}
        self.common = None if common is None else facts_of(self._make(common))

    def of_task(self, task: str, own: str) -> MeasureFacts:
        """What a task is judged by.

        Args:
            task: Its id.
            own: Its main measure, as one types it; empty for accuracy.

        Returns:
            What was asked for, or its own measure; accuracy, with a note, where that is not
            installed.
        """
        if self.common is not None:
            return self.common
        if not own:
            return ACCURACY
        try:
            return facts_of(self._make(own))
        except UnknownNameError:
            self.notes[
                f"{task} is to be judged by {own!r}, which no installed plugin offers; accuracy "
                "stands in its place"
            ] = None
            return ACCURACY

    def judged(
        self,
        by: MeasureFacts,
        row: Row,
        predictions: Predictions | None,
        labels: NDArray[np.int64] | None,
        logs: Callable[[Row], Logs | None],
    ) -> Mapping[str, Judged]:
        """What a measure says of a row; nothing for what the row holds itself.

        Args:
            by: One that `of_task` gave.
            row: The row.
            predictions: int64 (m,) or (m, c), its own; None where they are missing.
            labels: Of the same shape; None where they are not at hand.
            logs: Gives the logarithms of its probabilities, asked only where they are needed.

        Raises:
            PluginError: The measure fails, or gives what is no number.
        """
        if by.name in IN_ROWS or row.result is None:
            return {}
        measure = self._make(by.name)
        if labels is None or predictions is None or labels.shape != predictions.shape:
            return {by.name: Judged(None, _NO_LABELS)}
        kept = None
        if "probabilities" in measure.needs:
            if row.result.probabilities_digest is None:
                return {by.name: Judged(None, _NOTHING_KEPT)}
            kept = logs(row)
            if kept is None or len(kept) != len(labels):
                return {by.name: Judged(None, _NOT_THERE)}
        return {by.name: value_of(measure, labels, predictions, kept)}

    def _make(self, text: str) -> Measure:
        made = self._made.get(text)
        if made is None:
            made = self._made[text] = self.names.make("measure", text)
            self._made[made.label] = made
        return made


def value_of(
    measure: Measure,
    labels: NDArray[np.int64],
    predictions: NDArray[np.int64],
    logs: Logs | None,
) -> Judged:
    """What a measure says of the answers on a test part.

    Args:
        measure: The measure.
        labels: (m,); (m, c) where an image may show several classes.
        predictions: Of the same shape.
        logs: (m, c), logarithms of the probabilities; None where the measure needs none.

    Raises:
        PluginError: It fails, or gives what is no number, in percent no share, or hits that are
            not its value.
    """
    several = labels.ndim == 2
    if ("several" if several else "single") not in measure.kinds:
        kind = "may show several classes" if several else "has one class"
        return Judged(None, f"it is not defined where an image {kind}")
    shown = None if logs is None else probabilities(logs, several=several)
    answers = read_only(labels), read_only(predictions), None if shown is None else read_only(shown)
    try:
        with naming(measure.name, "value"):
            value = float(measure.value(*answers))
        with naming(measure.name, "hits"):
            hits = measure.hits(*answers)
    except Declined as declined:
        return Judged(None, declined.reason)
    if not np.isfinite(value):
        raise PluginError(
            measure.name, f"value gives {value}; raise distbench.Declined where it is not defined"
        )
    if measure.unit == "percent" and not -1e-9 <= value <= 1 + 1e-9:
        raise PluginError(
            measure.name, f"value gives {value:g}; what is shown in percent is a share, 0 to 1"
        )
    if hits is None:
        return Judged(value, blocks=jackknifed(measure, value, *answers))
    right = np.asarray(hits)
    if right.dtype != np.bool_ or right.shape != (len(labels),) or abs(right.mean() - value) > 1e-9:
        raise PluginError(
            measure.name,
            "hits gives no truth value for each image, or their share is not its value",
        )
    return Judged(value, hits=np.packbits(right).tobytes())


_BLOCKS = 20


def jackknifed(
    measure: Measure,
    value: float,
    labels: NDArray[np.int64],
    predictions: NDArray[np.int64],
    shown: NDArray[np.float64] | None,
) -> tuple[float, ...]:
    """Pseudo-values of blocks of images for a measure that is no share of them.

    With v the value on all images and v_b that without block b of g they are
    ``g v - (g - 1) v_b``, shifted so that their mean is v. Blocks are as alike as can be: images
    are dealt out class by class, in an order that follows from how many there are.

    Returns:
        Empty where the measure is not defined without some block, or there are too few images.
    """
    count = len(labels)
    if count < 2 * _BLOCKS:
        return ()
    order = np.random.default_rng(count).permutation(count)
    kinds = labels if labels.ndim == 1 else labels.clip(0) @ np.arange(1, labels.shape[1] + 1)
    dealt = order[np.argsort(kinds[order], kind="stable")]
    block = np.empty(count, np.int64)
    block[dealt] = np.arange(count) % _BLOCKS
    without = []
    for number in range(_BLOCKS):
        kept = block != number
        part = (labels[kept], predictions[kept], None if shown is None else shown[kept])
        try:
            with naming(measure.name, "value"):
                without.append(float(measure.value(*map(_sealed, part))))
        except Declined:
            return ()
    pseudo = _BLOCKS * value - (_BLOCKS - 1) * np.array(without)
    if not np.isfinite(pseudo).all():
        return ()
    return tuple((pseudo - pseudo.mean() + value).tolist())


def _sealed(array: NDArray[Any] | None) -> Any:
    return None if array is None else read_only(array)
