"""Embeddings by key: taken from the cache, or made, several in one pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import torch

from distbench.engine.sources.stored_embeddings import KIND
from distbench.engine.stages.embed import Order, embed_many
from distbench.interfaces.suite import Protocol
from distbench.interfaces.zoo import Source
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.npy import Images

_GROUP_BYTES = 2 * 10**9
"""Bytes of weights that are held at once, as far as the facts about the sources tell."""


def build_embeddings(
    cache: ArtifactCache,
    wanted: Mapping[str, Source],
    images: Callable[[int], Images],
    device: torch.device,
    protocol: Protocol,
) -> dict[str, Path]:
    """The folders of embeddings of one image set.

    What is missing is made, and may be interrupted: whoever makes it next goes on from there.

    Args:
        cache: Where they are kept.
        wanted: Key to source.
        images: Opens the images for an input size, uint8 (n, s, s, 3); called if something is
            missing.
        device: Where sources run.
        protocol: Says how images are stored, and the precision.

    Raises:
        WeightsError: The outputs of a source do not have the declared shapes.
    """
    missing = {key: source for key, source in wanted.items() if cache.get(KIND, key) is None}
    for group in _groups(missing, protocol.store_size):
        with ExitStack() as stack:
            # In one order everywhere, so that no two processes wait for each other.
            made = {key: stack.enter_context(cache.resumable(KIND, key)) for key in sorted(group)}
            orders = [
                Order(missing[key], *folders)
                for key, folders in made.items()
                if folders is not None  # else another process was faster
            ]
            if orders:
                side = max(order.source.info.input_size for order in orders)
                embed_many(orders, images(side), device, precision=protocol.precision)
    return {key: cache.folder(KIND, key) for key in wanted}


def _groups(missing: Mapping[str, Source], store_size: int) -> Iterator[list[str]]:
    """Keys of sources that read the same images and fit into memory together."""
    sides: dict[int, list[str]] = {}
    for key, source in missing.items():
        sides.setdefault(max(store_size, source.info.input_size), []).append(key)
    for keys in sides.values():
        group: list[str] = []
        size = 0
        for key in keys:
            own = 4 * (missing[key].info.parameters or 50_000_000)
            if group and size + own > _GROUP_BYTES:
                yield group
                group, size = [], 0
            group.append(key)
            size += own
        yield group
