"""What sources say of images, as it lies on the disk; opened without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.interfaces.context import Embedding

KIND = "embeddings"
"""Of artifact: a folder that `distbench.engine.stages.embed.embed_many` fills."""


def open_embedding(folder: Path) -> Embedding:
    """Opens an embedding, memory-mapped."""
    return Embedding(
        features=np.load(folder / "features.npy", mmap_mode="r"),
        logits=np.load(folder / "logits.npy", mmap_mode="r"),
    )


def is_finite(folder: Path) -> bool:
    """Whether all features and logits of an embedding are finite."""
    return bool(from_json((folder / "facts.json").read_bytes())["finite"])


def rows_of(embedding: Embedding, positions: NDArray[np.int64]) -> Embedding:
    """Some rows of an embedding, in memory."""
    return Embedding(
        features=np.asarray(embedding.features[positions]),
        logits=np.asarray(embedding.logits[positions]),
    )
