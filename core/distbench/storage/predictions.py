"""Test predictions: the classes of each test image, kept compact and bound to a row by a digest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import UsageError
from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row

Predictions = NDArray[np.int64]
"""int64 (m,): the class number for each test image, in the order of the test part; (m, c), 0 and 1,
where an image may show several classes."""

ROUNDING = 1e-6
"""Of a number of images that was divided by all of them and is multiplied again."""

_MOST = 2**53
"""Images, beyond which a share cannot tell one."""

FILE = "predictions.safetensors"
"""Of a run folder and of a bundle: one tensor for each cell that is done, named by its key."""


def compact(predictions: NDArray[Any] | Sequence[int]) -> NDArray[Any]:
    """The same numbers in the smallest unsigned type that holds them.

    Raises:
        ValueError: They are no class numbers: not whole, negative, or beyond 31 bits; or, of shape
            (m, c), above 2.
    """
    given = np.asarray(predictions)
    if given.ndim not in (1, 2) or given.dtype.kind not in "iu" or not given.size:
        raise ValueError("predictions are a list of whole numbers")
    if given.min() < 0 or given.max() >= (2**31 if given.ndim == 1 else 3):
        raise ValueError("a prediction is no class number")
    return given.astype(np.min_scalar_type(int(given.max())))


def are_predictions(tensor: NDArray[Any]) -> bool:
    """Whether a tensor has the form of kept predictions."""
    matrix = tensor.ndim == 2 and tensor.max(initial=0) < 2
    return tensor.dtype.kind == "u" and (tensor.ndim == 1 or bool(matrix))


def predictions_digest(predictions: NDArray[Any]) -> str:
    """SHA-256 (hex) of the numbers as little-endian int32, whatever type holds them."""
    return hashlib.sha256(np.ascontiguousarray(predictions, dtype="<i4").tobytes()).hexdigest()


def answered_rightly(predictions: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which images (m,) are answered rightly.

    Where an image may show several classes, both (m, c), every class of it that is known must be.
    """
    right = predictions == labels
    each: NDArray[np.bool_] = right if right.ndim == 1 else (right | (labels < 0)).all(axis=1)
    return each


def accuracy(predictions: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Share of the images that are answered rightly."""
    return float(np.mean(answered_rightly(predictions, labels)))


def whole_images(share: float, images: int) -> bool:
    """Whether a share of so many images is that of a whole number of them, up to rounding."""
    if not math.isfinite(share) or images > _MOST:
        return False
    right = share * images
    return abs(right - round(right)) <= ROUNDING


def balanced_accuracy(predictions: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Mean over the occurring classes of the share that is classified rightly.

    Where an image may show several classes, both (m, c), it is the mean over the classes of the
    mean of two shares: of the images that show the class, and of those that do not. One that no
    image is of does not count.
    """
    right = predictions == labels
    if right.ndim == 2:
        shares = [
            np.mean([right[labels[:, c] == shown, c].mean() for shown in np.unique(known)])
            for c in range(labels.shape[1])
            if len(known := labels[labels[:, c] >= 0, c])
        ]
        return float(np.mean(shares))
    return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))


def packed(predictions: Mapping[str, NDArray[Any]]) -> bytes:
    """Predictions by name as the bytes of a safetensors file; equal ones give equal bytes."""
    from safetensors.numpy import save

    return save({name: compact(predictions[name]) for name in sorted(predictions)})


def write_predictions(path: Path, predictions: Mapping[str, NDArray[Any]]) -> None:
    """Writes a safetensors file, whole or not at all.

    Raises:
        OSError: No space, no permission.
    """
    write_atomic(path, packed(predictions))


def read_predictions(path: Path, name: str, digest: str) -> Predictions | None:
    """One tensor of a file; None where file or tensor is missing, damaged or not of this digest.

    Raises:
        OSError: The file is there and cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    if path.exists() and not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            predictions = file.get_tensor(name)
    except (FileNotFoundError, SafetensorError, ValueError, TypeError, KeyError):
        return None
    if not are_predictions(predictions) or predictions_digest(predictions) != digest:
        return None
    return np.asarray(predictions, dtype=np.int64)


def opened_predictions(path: Path) -> Any:
    """A safetensors file of which tensors are read one by one; None if it is missing or none."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        return safe_open(path, framework="numpy")
    except SafetensorError:
        return None


def of_row(
    folder: Path, row: Row, kept: Mapping[str, NDArray[Any]] | None = None
) -> Predictions | None:
    """The predictions of a row of a run folder; None where the row's cell is not done.

    Args:
        folder: The run's folder.
        row: One of its rows.
        kept: Predictions by key that an older run folder holds in its rows.

    Raises:
        UsageError: They are missing or not those of the row.
    """
    if row.result is None:
        return None
    if kept and row.key in kept:
        return kept[row.key].astype(np.int64)
    predictions = read_predictions(folder / FILE, row.key, row.result.predictions_digest)
    if predictions is None:
        raise UsageError(
            f"{folder} does not hold the predictions of {row.method.id} on {row.task.id}, seed "
            f"{row.seed}; `distbench run` with the same options writes them again"
        )
    return predictions
