"""The images of a probe, decoded without the rest of their task, and what sources say of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distbench.artifacts import ArtifactCache
from distbench.components import Task
from distbench.identity import digest, seed_for
from distbench.keys import embedding_key, split_seed
from distbench.method import Embedding
from distbench.paths import home
from distbench.plan import PlannedTask
from distbench.sources import Source
from distbench.split import Positions, draw_probe, split_train
from distbench.suite import Protocol


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
    """

    def __init__(
        self, task: Task, planned: PlannedTask, protocol: Protocol, suite: str, skip_corrupt: bool
    ) -> None:
        parts = task.index().parts
        given = [parts[name].labels for name in ("train", "validation") if name in parts]
        labels = np.concatenate(given)
        split = split_train(
            labels,
            planned.classes,
            protocol,
            split_seed(suite, planned.id, 0),
            np.arange(len(given[0]), len(labels)),
        )
        chosen = draw_probe(
            labels,
            split.labelled,
            protocol.probe_size,
            seed_for(suite, planned.id, 0, "probe"),
        )
        self._task, self._size, self._threads = task, protocol.store_size, protocol.threads
        self._artifacts = ArtifactCache(home() / "artifacts")
        self._key = digest([planned.images_key, chosen.tolist()])
        self._skip = skip_corrupt
        self._chosen: Positions = chosen
        self._folder = self._artifacts.build("probes", self._key, self._make)
        self.labels: Positions = labels[np.load(self._folder / "positions.npy")]

    def _make(self, folder: Path) -> None:
        from distbench.stages.prepare import fit, read_good

        images, kept = read_good(self._task, self._chosen.tolist(), self._skip)
        size = min(self._size, max(min(image.shape[:2]) for image in images))
        np.save(folder / "images.npy", np.stack([fit(image, size) for image in images]))
        np.save(folder / "positions.npy", np.array(kept, dtype=np.int64))

    def embedding(
        self, source: Source, device: str, made_by: Mapping[str, Any]
    ) -> Embedding | None:
        """A source's embedding of the probe; None where it is not finite."""
        import torch

        from distbench.device import pick_device
        from distbench.stages.embed import embed, is_finite, open_embedding

        def make(folder: Path) -> None:
            torch.set_num_threads(self._threads)
            embed(source, np.load(self._folder / "images.npy"), folder, pick_device(device))

        key = embedding_key(source.info, self._key, threads=self._threads, zoo=made_by)
        folder = self._artifacts.build("embeddings", key, make)
        return open_embedding(folder) if is_finite(folder) else None
