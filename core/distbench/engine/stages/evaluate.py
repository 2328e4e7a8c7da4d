"""Stage 6: the one time that test images are shown to a student, after training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from distbench.engine.training.predict import predict_logits
from distbench.engine.training.setting import TrainingSetting
from distbench.storage.npy import Images
from distbench.storage.probabilities import Logs, kept_logs


@dataclass(frozen=True)
class Evaluation:
    """What a student says of the test part.

    Attributes:
        predictions: int64 (m,), in the order of the test images; (m, c) of 0 and 1 where an image
            may show several classes.
        logs: float16 (m, c), logarithms of the probabilities; None of too many classes.
    """

    predictions: NDArray[np.int64]
    logs: Logs | None


def evaluate(
    model: nn.Module, images: Images, labels: NDArray[np.int64], setting: TrainingSetting
) -> Evaluation:
    """Classifies the test images.

    Of one class an image the most probable one is predicted, the lower number of equal ones. Where
    an image may show several, each has a probability of its own, and is predicted from 0.5 on.

    Args:
        model: The trained student.
        images: uint8 (m, s, s, 3), m >= 1.
        labels: int64 (m,); (m, c) where an image may show several classes. Only their form is
            looked at.
        setting: Where and how precisely.
    """
    logits = predict_logits(model, images, setting)  # (m, c)
    wide = logits.astype(np.float64)
    if labels.ndim == 2:
        chosen = (logits >= 0).astype(np.int64)  # sigmoid(0) is 0.5
        return Evaluation(chosen, kept_logs(-np.logaddexp(0.0, -wide)))
    predictions = logits.argmax(axis=1)  # (m, c) -> (m,)
    below = wide - wide.max(axis=1, keepdims=True)
    return Evaluation(
        predictions, kept_logs(below - np.log(np.exp(below).sum(axis=1, keepdims=True)))
    )
