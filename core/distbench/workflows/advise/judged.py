"""What the advised student does on test images: by class, where it is wrong, how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.statistics import Estimate, accuracy_interval
from distbench.workflows.predict.evaluation import Evaluation, evaluate

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Images whose predicted class has a probability in ``(low, high]``.

    Attributes:
        low: Probability above which they are in it.
        high: Probability up to which they are.
        images: How many they are.
        confidence: Mean probability of the predicted class; None without images.
        accuracy: Share of them that is right.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: Estimate | None


@dataclass(frozen=True)
class Calibration:
    """Whether a student is as often right as it says.

    Attributes:
        bins: From unsure to sure.
        error: Expected calibration error over these bins, as measure `ece` has it over 15.
        confidence: Mean probability of the predicted class.
    """

    bins: tuple[Bin, ...]
    error: float
    confidence: float


@dataclass(frozen=True)
class Mistake:
    """A test image that is classified wrongly.

    Attributes:
        image: Its number among the test images.
        label: Its class.
        predicted: What is said of it.
        probability: How sure the student is; None where that is not kept.
    """

    image: int
    label: int
    predicted: int
    probability: float | None


@dataclass(frozen=True)
class Judged:
    """A student on test images.

    Attributes:
        evaluation: Counts by class.
        recall: Of each class, with its interval; None of one that no test image shows.
        mistakes: The surest first.
        calibration: None where no probabilities are kept.
    """

    evaluation: Evaluation
    recall: tuple[Estimate | None, ...]
    mistakes: tuple[Mistake, ...]
    calibration: Calibration | None


def judge(
    predictions: NDArray[np.int64],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64] | None,
    classes: tuple[str, ...],
) -> Judged:
    """Judges a student by what it answered.

    Args:
        predictions: (m,).
        labels: (m,).
        probabilities: (m, c), where they are kept.
        classes: Their names.
    """
    right = predictions == labels
    sure = None
    if probabilities is not None:
        sure = probabilities[np.arange(len(labels)), predictions]  # (m,)
    wrong = np.flatnonzero(~right)
    if sure is not None:
        wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    return Judged(
        evaluation=evaluate(
            [(int(one),) for one in predictions],
            [(int(one),) for one in labels],
            classes,
            several=False,
        ),
        recall=tuple(
            accuracy_interval(right[None, labels == number]) if (labels == number).any() else None
            for number in range(len(classes))
        ),
        mistakes=tuple(
            Mistake(
                int(at),
                int(labels[at]),
                int(predictions[at]),
                None if sure is None else float(sure[at]),
            )
            for at in wrong
        ),
        calibration=None if sure is None else calibration(sure, right),
    )


def calibration(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """How often a student is right by how sure it is.

    Args:
        sure: (m,), the probability of the predicted class.
        right: (m,).
    """
    edges = np.linspace(0, 1, BINS + 1)
    number = np.digitize(sure, edges[1:-1], right=True)  # (m,) in 0..BINS - 1
    bins, error = [], 0.0
    for at, (low, high) in enumerate(pairwise(edges)):
        own = number == at
        if not own.any():
            bins.append(Bin(float(low), float(high), 0, None, None))
            continue
        confidence, accuracy = float(sure[own].mean()), accuracy_interval(right[None, own])
        error += abs(accuracy.mean - confidence) * int(own.sum()) / len(sure)
        bins.append(Bin(float(low), float(high), int(own.sum()), confidence, accuracy))
    return Calibration(tuple(bins), error, float(sure.mean()))
