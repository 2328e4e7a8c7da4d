"""Test probabilities: kept compact as logarithms, and bound to a row by a digest.

A float16 of a probability knows nothing between 0.9995 and 1; of its logarithm it has eleven bits
at both ends. So images keep their order, which AUROC and the like read, and a certain mistake
stays finite. They take two bytes for each test image and class: 14 kB for 1,000 images of 7
classes, 2.3 MB for 5,794 of 200.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row

Logs = NDArray[np.float16]
"""float16 (m, c): the natural logarithm of the probability of each class for each test image."""

MOST_CLASSES = 1000
"""Classes above which nothing is kept."""

FOLDER = "probabilities"
"""Of a run's folder: a file ``KEY.npy`` for each cell that is done."""

_LEAST = float(np.finfo(np.float16).min)


def kept_logs(logs: NDArray[np.float64]) -> Logs | None:
    """Logarithms (m, c) as they are kept; None where there are too many classes."""
    if logs.shape[1] > MOST_CLASSES:
        return None
    return np.maximum(logs, _LEAST).astype("<f2")


def probabilities_digest(logs: Logs) -> str:
    """SHA-256 (hex) of the numbers as little-endian float16, row by row."""
    return hashlib.sha256(np.ascontiguousarray(logs, dtype="<f2").tobytes()).hexdigest()


def probabilities(logs: Logs, *, several: bool = False) -> NDArray[np.float64]:
    """The probabilities themselves.

    Args:
        logs: (m, c).
        several: Whether an image may show several classes, each with a probability of its own.

    Returns:
        float64 (m, c); each row sums to 1 unless `several`.
    """
    values = np.exp(logs.astype(np.float64))  # (m, c)
    return values if several else values / values.sum(axis=1, keepdims=True)


def fit(logs: NDArray[Any], predictions: NDArray[Any]) -> bool:
    """Whether logarithms (m, c) are such as give these predictions (m,): a most probable class.

    Predictions (m, c), where an image may show several classes: those of probability 0.5 or more.
    """
    if predictions.ndim == 2:
        if logs.shape != predictions.shape or not np.isfinite(logs).all() or (logs > 0).any():
            return False
        # Of float16, one step to each side of log 0.5 may be either.
        half = np.float16(np.log(0.5))
        sure = np.abs(logs.astype(np.float64) - float(half)) > float(np.spacing(np.abs(half)))
        return bool(((logs >= half) == (predictions == 1))[sure].all())
    if logs.ndim != 2 or len(logs) != len(predictions) or not logs.shape[1]:
        return False
    if predictions.max(initial=0) >= logs.shape[1] or not np.isfinite(logs).all():
        return False
    # Rounding keeps the order, so that the predicted class is still among the highest.
    chosen = logs[np.arange(len(logs)), predictions]  # (m,)
    return bool((chosen == logs.max(axis=1)).all()) and bool((logs <= 0).all())


def write_logs(path: Path, logs: Logs) -> None:
    """Writes an ``.npy`` file, whole or not at all.

    Raises:
        OSError: No space, no permission.
    """
    held = io.BytesIO()
    np.save(held, np.ascontiguousarray(logs, dtype="<f2"), allow_pickle=False)
    write_atomic(path, held.getvalue())


def read_logs(path: Path, digest: str) -> Logs | None:
    """What a file holds; None where it is missing, damaged or not of this digest.

    Raises:
        OSError: The file is there and cannot be read.
    """
    if not path.is_file():
        return None
    try:
        logs = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        return None
    if not isinstance(logs, np.ndarray) or logs.dtype != "<f2" or logs.ndim != 2:
        return None
    return logs if probabilities_digest(logs) == digest else None


def of_run(folder: Path, row: Row) -> Logs | None:
    """The logarithms of a row of a run's folder; None where it keeps none, or others.

    Raises:
        OSError: The file is there and cannot be read.
    """
    if row.result is None or row.result.probabilities_digest is None:
        return None
    return read_logs(folder / FOLDER / f"{row.key}.npy", row.result.probabilities_digest)


def write_run(folder: Path, rows: Iterable[Row], logs: Callable[[Row], Logs | None]) -> None:
    """Keeps the logarithms of a run's rows in its folder, and of no other row.

    Args:
        folder: The run's.
        rows: Its rows.
        logs: Gives those of a row.

    Raises:
        OSError: No space, no permission.
    """
    kept = set()
    for row in rows:
        digest = row.result.probabilities_digest if row.result else None
        path = folder / FOLDER / f"{row.key}.npy"
        if digest is None:
            continue
        kept.add(path)
        if read_logs(path, digest) is None and (given := logs(row)) is not None:
            write_logs(path, given)
    for old in set((folder / FOLDER).glob("*.npy")) - kept:
        old.unlink()
