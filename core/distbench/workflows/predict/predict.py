"""Predicts images with an exported student, writes the answers and counts the right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distbench.errors import DataError, UsageError
from distbench.interfaces.progress import Progress, silent
from distbench.storage.system.machine import usable_cores
from distbench.workflows.export.opened import Model, open_model
from distbench.workflows.predict.evaluation import Evaluation, evaluate
from distbench.workflows.predict.inputs import Columns, Item, gather
from distbench.workflows.predict.output import (
    Format,
    Prediction,
    Write,
    format_of,
    lines_to,
    writing,
)
from distbench.workflows.predict.pipeline import BATCH, Answer, answers


@dataclass(frozen=True)
class Predicted:
    """What came of it.

    Attributes:
        images: How many images got an answer.
        unreadable: Why the others got none, by file.
        evaluation: How right the answers are; None where that was not asked for.
        wrong: Those that are not.
    """

    images: int
    unreadable: dict[str, str]
    evaluation: Evaluation | None
    wrong: tuple[Prediction, ...]


def predict(
    model: Path,
    images: Sequence[str],
    *,
    output: Path | None = None,
    form: Format | None = None,
    top: int = 3,
    labelled: bool = False,
    columns: Columns | None = None,
    batch: int = BATCH,
    threads: int | None = None,
    put: Callable[[str], Any] | None = None,
    progress: Progress = silent,
) -> Predicted:
    """Predicts images; some batches of them are in memory at a time.

    Args:
        model: An exported student.
        images: Files, folders, patterns and tables.
        output: The file for the answers; it appears when all are there.
        form: Its format; as its suffix says, if None.
        top: How many classes of an image are written.
        labelled: Whether classes are known, and the answers judged.
        columns: Of tables; those with usual names, if None.
        batch: Images that the model is given at once.
        threads: That decode images and run the model; as many as there are cores, if None.
        put: Takes lines, where there is no output.
        progress: Hears of every batch.

    Raises:
        UsageError: What was given is not there, or will not do.
        DataError: None of the images can be read.
    """
    if min(top, batch, threads or 1) < 1:
        raise UsageError("--top, --batch and --threads are whole numbers from 1 on")
    told = format_of(output, form)
    student = open_model(model, threads=1)  # batches run side by side
    items = gather(images, student, labelled=labelled, columns=columns or Columns())
    unreadable: dict[str, str] = {}
    count, wrong = 0, []
    named: list[tuple[int, ...]] = []
    truth: list[tuple[int, ...]] = []
    with _sink(output, told, put, labelled) as write:
        for part in answers(student, items, threads or usable_cores(), batch):
            unreadable |= {str(one.item.path): one.wrong for one in part if one.logits is None}
            predictions = []
            for item, numbers, prediction in _predictions(student, part, top):
                predictions.append(prediction)
                if item.labels is not None:
                    named.append(numbers)
                    truth.append(item.labels)
                if prediction.right is False:
                    wrong.append(prediction)
            write(predictions)
            count += len(predictions)
            progress("predicting", count + len(unreadable), len(items), minor=True)
        if not count:
            first, why = next(iter(unreadable.items()))
            raise DataError(f"none of the {len(items)} images can be read: {first}: {why}")
    evaluation = evaluate(named, truth, student.classes, several=student.several) if truth else None
    return Predicted(count, unreadable, evaluation, tuple(wrong))


def _predictions(
    model: Model, answered: Sequence[Answer], top: int
) -> Iterator[tuple[Item, tuple[int, ...], Prediction]]:
    """Of each image that could be read: numbers of the classes that are named, what is written."""
    rows = [one.logits for one in answered if one.logits is not None]
    if not rows:
        return
    logits = np.stack(rows)
    shares = model.probabilities(logits)
    orders = np.argsort(-logits, axis=1, kind="stable")[:, : max(top, 1)].tolist()
    items = (one.item for one in answered if one.logits is not None)
    for item, own, order in zip(items, shares, orders, strict=True):
        threshold, labels = model.threshold, item.labels
        named = tuple(order[:1] if threshold is None else np.flatnonzero(own >= threshold).tolist())
        yield (
            item,
            named,
            Prediction(
                str(item.path),
                tuple(model.classes[number] for number in named),
                tuple((model.classes[number], float(own[number])) for number in order[:top]),
                None if labels is None else tuple(model.classes[number] for number in labels),
                None if labels is None else named == labels,
            ),
        )


@contextmanager
def _sink(
    output: Path | None, form: Format, put: Callable[[str], Any] | None, labelled: bool
) -> Iterator[Write]:
    """Where answers go: a file, a stream, or nowhere."""
    if output is not None:
        with writing(output, form, labelled=labelled) as write:
            yield write
    elif put is not None:
        yield lines_to(put, form, labelled=labelled)
    else:
        yield lambda predictions: None
