"""What a trained model gives images: features, logits, classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.training.batches import to_batch
from distbench.engine.training.precision import mixed_precision
from distbench.engine.training.setting import TrainingSetting
from distbench.errors import DistbenchError
from distbench.interfaces.classifier import Classifier
from distbench.storage.npy import Images, SomeRows

Readable = Images | SomeRows
"""uint8 (n, s, s, 3), in an array or to be read from one piece by piece."""


def features_of(
    model: Classifier, images: Readable, setting: TrainingSetting
) -> NDArray[np.float32]:
    """Pooled features (n, d) of images under a student in evaluation mode."""
    model.eval()
    return _run(model.features, images, setting, 256)


def predict_logits(
    model: nn.Module, images: Readable, setting: TrainingSetting, batch: int = 256
) -> NDArray[np.float32]:
    """Logits of images under a model in evaluation mode.

    Args:
        model: From images float32 (b, 3, s, s) in 0..1 to logits (b, c), on the setting's device.
        images: uint8 (n, t, t, 3); they are resized to the setting's `image_size`.
        setting: Size, device and precision; its own images do not matter.
        batch: Images at a time.

    Returns:
        float32 (n, c); (0, 0) without images.

    Raises:
        DistbenchError: Some are not finite: the largest of them would mean nothing.

    Example::

        >>> from distbench.engine.training.setting import TrainingSetting
        >>> images = np.zeros((5, 64, 64, 3), np.uint8)
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4))
        >>> predict_logits(model, images, TrainingSetting(images, 32, torch.device("cpu"))).shape
        (5, 4)
    """
    model.eval()
    logits = _run(model, images, setting, batch)
    if bad := len(np.unique(np.argwhere(~np.isfinite(logits))[:, 0])):
        raise DistbenchError(
            f"its outputs are not finite on {bad} of {len(logits)} images; try a smaller lr"
        )
    return logits


@torch.inference_mode()
def _run(
    forward: Callable[[torch.Tensor], torch.Tensor],
    images: Readable,
    setting: TrainingSetting,
    batch: int,
) -> NDArray[np.float32]:
    rows = []
    for start in range(0, len(images), batch):
        stored = images[start : start + batch]
        floats = to_batch(stored, setting.image_size, setting.device, setting.crop)
        with mixed_precision(setting.device, setting.precision):
            rows.append(forward(floats).float().cpu().numpy())  # (b, d) or (b, c)
    return np.concatenate(rows) if rows else np.empty((0, 0), dtype=np.float32)


def predict(model: nn.Module, images: Readable, setting: TrainingSetting) -> NDArray[np.int64]:
    """Class numbers that a student in evaluation mode gives images; ties go to the lower number."""
    if not len(images):
        return np.empty(0, dtype=np.int64)
    classes: NDArray[np.int64] = predict_logits(model, images, setting).argmax(axis=1)
    return classes
