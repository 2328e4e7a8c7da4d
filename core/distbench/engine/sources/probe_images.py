"""The images of a probe, decoded without the rest of their task, and what sources say of them.

Where a run has embedded all images of the task already, its rows are taken, so that a source sees
an image once, and a metric here what it sees in the run. Nothing of torch is imported then, nor
where the probe was embedded before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.sources.stored_embeddings import KIND, is_finite, open_embedding, rows_of
from distbench.interfaces.context import Embedding
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import Source
from distbench.planning.keys import embedding_key, split_seed, stored_key
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.split import Positions, draw_probe, joined_groups, split_train
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest, seed_for
from distbench.storage.home import home
from distbench.storage.jpegs import as_kept


class ProbeImages:
    """The images of the probe of a task, and the sources' embeddings of them.

    Args:
        plan: Says how images are drawn, read and kept, and what is known of the sources.
        planned: The task, as planned.
        task: The task.
        seed: Of the run whose probe it is.
    """

    def __init__(self, plan: Plan, planned: PlannedTask, task: Task, seed: int = 0) -> None:
        protocol = plan.protocol
        parts = task.index().parts
        given = [parts[name] for name in ("train", "validation") if name in parts]
        labels = np.concatenate([part.labels for part in given])
        groups = joined_groups(given)
        split = split_train(
            labels,
            planned.classes,
            protocol,
            split_seed(plan.suite, planned.id, seed),
            np.arange(len(given[0]), len(labels)),
            groups,
        )
        chosen = draw_probe(
            labels,
            split.labelled,
            protocol.probe_size,
            seed_for(plan.suite, planned.id, seed, "probe"),
            groups,
        )
        self._plan, self._task, self._protocol = plan, task, protocol
        self._artifacts = ArtifactCache(home() / "artifacts")
        self._whole_key = planned.images_key
        self._key = digest([planned.images_key, chosen.tolist()])
        self._all_labels: Positions = labels
        self._chosen: Positions = chosen
        self._all_readable = False

    def __len__(self) -> int:
        """Images that were drawn, corrupt ones counted in."""
        return len(self._chosen)

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
            skip = self._plan.skip_corrupt
            images, kept = read_good(self._task, self._chosen.tolist(), skip, stored)
            size = min(stored, max(min(image.shape[:2]) for image in images))
            pixels = np.stack([fit(image, size) for image in images])
            np.save(folder / "images.npy", as_kept(pixels, self._protocol.store))
            np.save(folder / "positions.npy", np.array(kept, dtype=np.int64))

        key = stored_key(self._key, self._protocol, side)
        return self._artifacts.build("probes", key, make)

    def _readable(self, side: int) -> Path:
        """As `_at`, of the same images as at the usual size."""
        folder = self._at(side)
        if not np.array_equal(np.load(folder / "positions.npy"), self._kept):
            from distbench.engine.stages.prepare import read_differently

            raise read_differently(self._task.label, side, self._protocol.store_size)
        return folder

    def _images(self, side: int) -> NDArray[np.uint8]:
        return cast(NDArray[np.uint8], np.load(self._readable(side) / "images.npy"))

    def key(self, source: str) -> str:
        """Key of a source's embedding of the probe alone."""
        return self._embedding_key(source, self._key)

    def unseen(self, sources: Sequence[str]) -> list[str]:
        """Those of some sources of which there is no embedding, of the task or of the probe."""
        return [
            name
            for name in sources
            if self._of_the_task(name) is None and self._of_the_probe(name) is None
        ]

    def decode(self, sources: Sequence[str]) -> None:
        """Has the images at hand as each of some sources takes them.

        Raises:
            CorruptImageError: One cannot be decoded, and corrupt ones are not left out.
            DataError: Other images can be read at the size of one source than at the usual one.
        """
        for side in sorted({self._plan.source(name).input_size for name in sources}):
            self._readable(side)

    def embeddings(self, sources: Mapping[str, Source]) -> dict[str, Embedding | None]:
        """Each source's embedding of the probe by its name; None where it is not finite."""
        whole = {
            name: folder for name in sources if (folder := self._of_the_task(name)) is not None
        }
        self._all_readable = bool(whole)
        own = self.embed({name: s for name, s in sources.items() if name not in whole})
        answers: dict[str, Embedding | None] = {}
        for name in sources:
            folder = whole.get(name) or own[name]
            answers[name] = open_embedding(folder) if is_finite(folder) else None
            if name in whole and (every := answers[name]) is not None:
                answers[name] = rows_of(every, self._chosen)
        return answers

    def embed(self, sources: Mapping[str, Source]) -> dict[str, Path]:
        """Where each source's embedding of the probe alone lies, by its name; made if absent."""
        folders = {name: self._of_the_probe(name) for name in sources}
        missing = {self.key(name): sources[name] for name, at in folders.items() if at is None}
        if missing:
            from distbench.engine.device import pick_device
            from distbench.engine.sources.embedding_cache import build_embeddings
            from distbench.engine.training.threads import torch_threads

            device, protocol = pick_device(self._plan.device), self._protocol
            with torch_threads(protocol.threads):
                embedded = build_embeddings(
                    self._artifacts, missing, self._images, device, protocol
                )
            return {name: at or embedded[self.key(name)] for name, at in folders.items()}
        return {name: at for name, at in folders.items() if at is not None}

    def _of_the_task(self, source: str) -> Path | None:
        """Where the embedding of all images lies; None where there is none of every one of them."""
        folder = self._artifacts.get(KIND, self._embedding_key(source, self._whole_key))
        # Of images that were left out nothing tells here which they are.
        if folder is None or len(open_embedding(folder).features) != len(self._all_labels):
            return None
        return folder

    def _of_the_probe(self, source: str) -> Path | None:
        """Where the embedding of the probe alone lies; None where there is none."""
        return self._artifacts.get(KIND, self.key(source))

    def _embedding_key(self, source: str, images: str) -> str:
        plan = self._plan
        return embedding_key(plan.source(source), images, plan.protocol, plan.zoo_provenance)
