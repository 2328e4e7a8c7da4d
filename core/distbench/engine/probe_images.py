"""The images of a probe, decoded without the rest of their task, and what sources say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from distbench.interfaces.context import Embedding
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import Source
from distbench.planning.keys import embedding_key, split_seed, stored_key
from distbench.planning.plan import PlannedTask
from distbench.planning.split import Positions, draw_probe, joined_groups, split_train
from distbench.storage.artifacts import ArtifactCache
from distbench.storage.hashing import digest, seed_for
from distbench.storage.home import home


class ProbeImages:
    """The images of the probe of a task, for seed 0, and the sources' embeddings of them.

    Args:
        task: The task.
        planned: The same, as planned.
        protocol: The protocol in force.
        suite: Name of the suite.
        skip_corrupt: Whether images that cannot be decoded are left out.

    Attributes:
        labels: (p,) labels of the images.
        skipped: How many images were left out because they are corrupt.
    """

    def __init__(
        self, task: Task, planned: PlannedTask, protocol: Protocol, suite: str, skip_corrupt: bool
    ) -> None:
        parts = task.index().parts
        given = [parts[name] for name in ("train", "validation") if name in parts]
        labels = np.concatenate([part.labels for part in given])
        groups = joined_groups(given)
        split = split_train(
            labels,
            planned.classes,
            protocol,
            split_seed(suite, planned.id, 0),
            np.arange(len(given[0]), len(labels)),
            groups,
        )
        chosen = draw_probe(
            labels,
            split.labelled,
            protocol.probe_size,
            seed_for(suite, planned.id, 0, "probe"),
            groups,
        )
        self._task, self._protocol = task, protocol
        self._artifacts = ArtifactCache(home() / "artifacts")
        self._key = digest([planned.images_key, chosen.tolist()])
        self._skip = skip_corrupt
        self._chosen: Positions = chosen
        self._kept = np.load(self._at(protocol.store_size) / "positions.npy")
        self.labels: Positions = labels[self._kept]
        self.skipped = len(chosen) - len(self._kept)

    def _at(self, side: int) -> Path:
        """The folder of the images as a network of some input size needs them; made if absent."""
        from distbench.engine.stages.decode import fit, read_good

        stored = max(side, self._protocol.store_size)

        def make(folder: Path) -> None:
            images, kept = read_good(self._task, self._chosen.tolist(), self._skip, stored)
            size = min(stored, max(min(image.shape[:2]) for image in images))
            np.save(folder / "images.npy", np.stack([fit(image, size) for image in images]))
            np.save(folder / "positions.npy", np.array(kept, dtype=np.int64))

        key = stored_key(self._key, self._protocol, side)
        return self._artifacts.build("probes", key, make)

    def _images(self, side: int) -> NDArray[np.uint8]:
        folder = self._at(side)
        if not np.array_equal(np.load(folder / "positions.npy"), self._kept):
            from distbench.engine.stages.prepare import read_differently

            raise read_differently(self._task.label, side, self._protocol.store_size)
        return cast(NDArray[np.uint8], np.load(folder / "images.npy"))

    def embeddings(
        self, sources: Sequence[Source], device: str, made_by: Mapping[str, Any]
    ) -> dict[str, Embedding | None]:
        """Each source's embedding of the probe by its name; None where it is not finite."""
        from distbench.engine.device import pick_device
        from distbench.engine.sources.embedding_cache import build_embeddings
        from distbench.engine.stages.embed import is_finite, open_embedding
        from distbench.engine.training.threads import torch_threads

        protocol = self._protocol
        keys = {
            source.info.name: embedding_key(source.info, self._key, protocol, made_by)
            for source in sources
        }
        wanted = {keys[source.info.name]: source for source in sources}
        with torch_threads(protocol.threads):
            by_key = build_embeddings(
                self._artifacts, wanted, self._images, pick_device(device), protocol
            )
        folders = {name: by_key[key] for name, key in keys.items()}
        return {n: open_embedding(f) if is_finite(f) else None for n, f in folders.items()}
