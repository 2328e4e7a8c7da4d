"""Layers of sources on the train images of a task, kept like embeddings are."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.engine.sources.source_runner import source_pass
from distbench.engine.stages.shares import BATCH, shared_out
from distbench.engine.training.batches import batches, shown_to
from distbench.errors import ArgumentError, Declined, MachineError
from distbench.interfaces.context import Pool
from distbench.interfaces.zoo import Source
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.npy import Images

_SHARE = 0.5
"""Of the free disk that one layer may take."""
_FILE = "layer.npy"


def cached_layer(
    artifacts: ArtifactCache,
    key: str,
    source: Source,
    name: str,
    pool: Pool,
    images: Images,
    device: torch.device,
) -> NDArray[np.float16]:
    """A layer of a source on images, made now if it is not at hand.

    Args:
        artifacts: Where it is kept.
        key: Of everything that it depends on.
        source: The source.
        name: Path of its module.
        pool: How maps are made smaller.
        images: uint8 (n, s, s, 3), those that the source sees.
        device: Where the source runs.

    Returns:
        float16 (n, ...), memory-mapped.

    Raises:
        MachineError: It would take more than half of the free disk.
        Declined: The source has no layers, or gives numbers that are not finite in float16.
    """

    def make(folder: Path) -> None:
        _write(folder, source, name, pool, images, device)

    folder = artifacts.build("layers", key, make)
    return cast(NDArray[np.float16], np.load(folder / _FILE, mmap_mode="r"))


def _write(
    folder: Path,
    source: Source,
    name: str,
    pool: Pool,
    images: Images,
    device: torch.device,
) -> None:
    run, info = source_pass(source, (name,), device), source.info
    kept: np.memmap | None = None
    size = shown_to(info)
    for start, sized in batches(images, [size], BATCH, device, 0):
        layer = torch.cat(
            [
                pooled(run(some).layers[name], pool)
                for some in shared_out(sized[size], info.input_size)
            ]
        )  # (b, ...)
        if kept is None:
            shape = (len(images), *layer.shape[1:])
            _check_room(folder, shape, info.name, name)
            kept = np.lib.format.open_memmap(folder / _FILE, "w+", np.float16, shape)
        half = layer.half()
        if not bool(torch.isfinite(half).all()):
            raise Declined(f"layer {name!r} of source {info.name!r} is not finite in float16")
        kept[start : start + len(half)] = half.cpu().numpy()
    if kept is not None:
        kept.flush()


def pooled(layer: torch.Tensor, pool: Pool) -> torch.Tensor:
    """A layer made smaller.

    Args:
        layer: Maps (b, k, h, w) or tokens (b, t, k).
        pool: As `Pool` says.

    Raises:
        ArgumentError: It cannot be pooled so.
    """
    if pool is None:
        return layer
    if pool == "avg":
        return layer.mean((2, 3)) if layer.ndim == 4 else layer.mean(1)
    if not isinstance(pool, int) or pool < 1:
        raise ArgumentError(f'pool is {pool!r}; give "avg", a number of cells a side, or None')
    if layer.ndim != 4:
        raise ArgumentError(
            f"a layer of shape {tuple(layer.shape[1:])} is no map that has {pool} cells a side; "
            'give pool="avg"'
        )
    return torch.nn.functional.adaptive_avg_pool2d(layer, pool)


def _check_room(folder: Path, shape: tuple[int, ...], source: str, name: str) -> None:
    wanted, free = 2 * math.prod(shape), shutil.disk_usage(folder).free
    if wanted > _SHARE * free:
        raise MachineError(
            f"layer {name!r} of source {source!r} on {shape[0]:,} images takes "
            f"{wanted / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free; ask for it pooled "
            '(pool="avg" or a number of cells a side), or on the view (context.run)'
        )
