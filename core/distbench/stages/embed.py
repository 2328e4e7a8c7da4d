"""Stage 2: features and logits of one source on the train images of one task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.arrays import flush, new_array
from distbench.errors import WeightsError
from distbench.method import Embedding
from distbench.sources import Source
from distbench.training.images import to_batch

_BATCH = 128


def embed(source: Source, images: NDArray[np.uint8], folder: Path, device: torch.device) -> None:
    """Runs a source over images and stores what it says of them.

    Features are stored in float32, logits in float16 unless that would overflow.

    Args:
        source: The source.
        images: uint8 (n, s, s, 3).
        folder: Takes ``features.npy`` (n, d), ``logits.npy`` (n, c) and ``facts.json``.
        device: Where it runs.

    Raises:
        WeightsError: The outputs do not have the declared shapes.
    """
    info = source.info
    forward = source.open(device)
    shapes = {
        "features": (len(images), info.feature_dim),
        "logits": (len(images), info.num_classes),
    }
    arrays = {
        name: new_array(folder / f"{name}.npy", shape, np.float32) for name, shape in shapes.items()
    }
    finite, largest = True, 0.0
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            stop = min(start + _BATCH, len(images))
            batch = to_batch(images[start:stop], info.input_size, device)
            batch = normalise(batch, info.mean, info.std)
            for name, values in zip(arrays, forward(batch), strict=True):
                out = values.float().cpu().numpy()
                if out.shape != (stop - start, shapes[name][1]):
                    raise WeightsError(
                        f"source {info.name!r} gives {name} of shape {out.shape[1:]}, "
                        f"its zoo declares ({shapes[name][1]},)"
                    )
                arrays[name][start:stop] = out
                finite = finite and bool(np.isfinite(out).all())
                if name == "logits" and finite:
                    largest = max(largest, float(np.abs(out).max()))
    halved = finite and largest < np.finfo(np.float16).max
    half = np.array(arrays["logits"], dtype=np.float16) if halved else None
    for array in arrays.values():
        flush(array)
    arrays.clear()
    if half is not None:
        np.save(folder / "logits.npy", half)
    (folder / "facts.json").write_text(json.dumps({"finite": finite}), encoding="utf-8")


def normalise(
    images: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """Images in 0..1, (b, 3, s, s), with a mean and standard deviation for each channel."""
    shift = torch.tensor(mean, device=images.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=images.device).view(1, -1, 1, 1)
    return (images - shift) / scale


def open_embedding(folder: Path) -> Embedding:
    """Opens what `embed` made."""
    return Embedding(
        features=np.load(folder / "features.npy", mmap_mode="r"),
        logits=np.load(folder / "logits.npy", mmap_mode="r"),
    )


def is_finite(folder: Path) -> bool:
    """Whether all features and logits of an embedding are finite."""
    return bool(json.loads((folder / "facts.json").read_text(encoding="utf-8"))["finite"])
