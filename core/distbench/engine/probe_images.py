"""The images of a probe, decoded without the rest of their task, and what sources say of them.

Where a run has embedded all images of the task already, its rows are taken, so that a source sees
an image once, and a metric here what it sees in the run. Nothing of torch is imported then, nor
where the probe was embedded before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.sources.stored_embeddings import KIND, is_finite, open_embedding, rows_of
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
from distbench.storage.jpegs import as_kept


class ProbeImages:
    """The images of the probe of a task, for seed 0, and the sources' embeddings of them.

    Args:
        task: The task.
        planned: The same, as planned.
        protocol: The protocol in force.
        suite: Name of the suite.
        skip_corrupt: Whether images that cannot be decoded are left out.

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
        self._whole_key = planned.images_key
        self._key = digest([planned.images_key, chosen.tolist()])
        self._skip = skip_corrupt
        self._all_labels: Positions = labels
        self._chosen: Positions = chosen
        self._all_readable = False

    @property
    def labels(self) -> Positions:
        """(p,) labels of the images."""
        return self._all_labels[self._kept]

    @property
    def skipped(self) -> int:
        """How many images were left out because they are corrupt."""
        return len(self._chosen) - len(self._kept)

    @cached_property
    def _kept(self) -> Positions:
        """Positions of the images that can be read; they are decoded to find out."""
        if self._all_readable:
            return self._chosen
        return cast(Positions, np.load(self._at(self._protocol.store_size) / "positions.npy"))

    def _at(self, side: int) -> Path:
        """The folder of the images as a network of some input size needs them; made if absent."""
        from distbench.engine.stages.decode import fit, read_good

        stored = max(side, self._protocol.store_size)

        def make(folder: Path) -> None:
            images, kept = read_good(self._task, self._chosen.tolist(), self._skip, stored)
            size = min(stored, max(min(image.shape[:2]) for image in images))
            pixels = np.stack([fit(image, size) for image in images])
            np.save(folder / "images.npy", as_kept(pixels, self._protocol.store))
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
        whole = {
            source.info.name: folder
            for source in sources
            if (folder := self._of_the_task(source, made_by)) is not None
        }
        self._all_readable = bool(whole)
        own = self._of_the_probe(
            [source for source in sources if source.info.name not in whole], device, made_by
        )
        answers: dict[str, Embedding | None] = {}
        for name in (source.info.name for source in sources):
            folder = whole.get(name) or own[name]
            answers[name] = open_embedding(folder) if is_finite(folder) else None
            if name in whole and (every := answers[name]) is not None:
                answers[name] = rows_of(every, self._chosen)
        return answers

    def _of_the_task(self, source: Source, made_by: Mapping[str, Any]) -> Path | None:
        """Where the embedding of all images lies; None where there is none of every one of them."""
        key = embedding_key(source.info, self._whole_key, self._protocol, made_by)
        folder = self._artifacts.get(KIND, key)
        # Of images that were left out nothing tells here which they are.
        if folder is None or len(open_embedding(folder).features) != len(self._all_labels):
            return None
        return folder

    def _of_the_probe(
        self, sources: Sequence[Source], device: str, made_by: Mapping[str, Any]
    ) -> dict[str, Path]:
        """Where each source's embedding of the probe alone lies, by its name; made if absent."""
        protocol = self._protocol
        keys = {s.info.name: embedding_key(s.info, self._key, protocol, made_by) for s in sources}
        folders = {name: self._artifacts.get(KIND, key) for name, key in keys.items()}
        missing = {keys[s.info.name]: s for s in sources if folders[s.info.name] is None}
        if missing:
            from distbench.engine.device import pick_device
            from distbench.engine.sources.embedding_cache import build_embeddings
            from distbench.engine.training.threads import torch_threads

            with torch_threads(protocol.threads):
                by_key = build_embeddings(
                    self._artifacts, missing, self._images, pick_device(device), protocol
                )
            return {name: folders[name] or by_key[key] for name, key in keys.items()}
        return {name: folder for name, folder in folders.items() if folder is not None}
