"""Stage 6: the one time that test images are shown to a student, after training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from distbench.engine.training.predict import predict
from distbench.engine.training.setting import TrainingSetting
from distbench.storage.predictions import accuracy, balanced_accuracy


@dataclass(frozen=True)
class Evaluation:
    """What a student does on the test part.

    Attributes:
        accuracy: Share of images classified rightly.
        balanced_accuracy: Mean recall over the classes that occur in the test part.
        predictions: int64 (m,), in the order of the test images.
    """

    accuracy: float
    balanced_accuracy: float
    predictions: NDArray[np.int64]


def evaluate(
    model: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.int64], setting: TrainingSetting
) -> Evaluation:
    """Classifies the test images.

    Args:
        model: The trained student.
        images: uint8 (m, s, s, 3).
        labels: int64 (m,).
        setting: Where and how precisely.
    """
    predictions = predict(model, images, setting)
    return Evaluation(
        accuracy(predictions, labels), balanced_accuracy(predictions, labels), predictions
    )
