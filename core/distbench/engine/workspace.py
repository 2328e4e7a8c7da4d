"""The plan opened in one process: components made, artifacts at hand, device chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench.engine.sources.embedding_cache import build_embeddings
from distbench.engine.sources.probe_images import ProbeImages
from distbench.engine.sources.stored_embeddings import is_finite, open_embedding
from distbench.engine.stages.picked import PICKED, open_picked, write_picked
from distbench.engine.stages.prepare import ImageSet, open_images, prepare, read_differently
from distbench.engine.stages.streamed import (
    GALLERIES,
    StreamedRows,
    look_through,
    open_streamed,
)
from distbench.errors import PluginError
from distbench.interfaces.context import Context, Embedding, Pool
from distbench.interfaces.method import Method
from distbench.interfaces.read_only import read_only
from distbench.interfaces.student import Student
from distbench.interfaces.task import UNLABELLED
from distbench.interfaces.zoo import Source, SourceInfo, TextHead
from distbench.interfaces.zoo_sources import sources_of
from distbench.planning.eligibility import NOT_FINITE, Eligibility
from distbench.planning.keys import embedding_key, split_seed, stored_key
from distbench.planning.plan import Plan, PlannedMethod, PlannedTask
from distbench.planning.split import Split, draw_probe, split_train
from distbench.plugins.registry import registry
from distbench.plugins.shipped_files import plugin_here
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest, seed_for
from distbench.storage.home import home
from distbench.storage.npy import Images


class Workspace:
    """What the units of one plan share within a process.

    Args:
        plan: The plan.
        root: ``$DISTBENCH_HOME``; found if None.
        streamed: Ids of galleries besides those of the plan: image sets whose pixels are decoded
            when they are read and are not stored, and of which no test images are read.
    """

    def __init__(
        self, plan: Plan, root: Path | None = None, streamed: Collection[str] = ()
    ) -> None:
        self.plan = plan
        self._streamed = plan.galleries.union(streamed)
        self.root = root or home()
        self.eligibility = Eligibility(plan.sources, plan.generalist, plan.excluded, plan.marked)
        self.artifacts = ArtifactCache(self.root / "artifacts")
        files = plan.plugin_files.items()
        self.names = registry(tuple(plugin_here(file, sha, self.root) for file, sha in files))
        self._images: dict[tuple[str, int], ImageSet] = {}
        self._probes: dict[tuple[str, int], ProbeImages] = {}

    def method(self, planned: PlannedMethod) -> Method:
        """The distiller or baseline of a method."""
        if planned.uses_sources:
            return self.names.make("distiller", planned.components["distiller"])
        return self.names.make("baseline", planned.components["baseline"])

    @cached_property
    def student(self) -> Student:
        """The student."""
        return self.names.make("student", self.plan.student)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The sources of the zoo by name."""
        if self.plan.zoo is None:
            return {}
        return sources_of(self.names.make("zoo", self.plan.zoo))

    def images(self, task: PlannedTask, side: int | None = None) -> ImageSet:
        """The decoded images of a task; decoded now if they are not at hand.

        Args:
            task: The task.
            side: Input of the network that they are for, pixels; the student's if None. One that
                takes more than is stored has them stored larger, if they are larger.

        Raises:
            DataError: Other images can be read at this size than at the student's.
        """
        protocol = self.plan.protocol
        side = protocol.image_size if side is None else side
        stored = max(protocol.store_size, side)
        if (task.id, stored) not in self._images:
            key = stored_key(task.images_key, protocol, side)
            opened = self._opened(task, key, stored)
            if side != protocol.image_size and opened.skipped != self.images(task).skipped:
                raise read_differently(task.id, side, protocol.image_size)
            stay = {task.id, *self._streamed}
            self._images = {k: kept for k, kept in self._images.items() if k[0] in stay}
            self._images[task.id, stored] = opened
        return self._images[task.id, stored]

    def picked(self, task: PlannedTask, positions: NDArray[np.int64], side: int) -> Images:
        """The train images of a transfer set, of which only some are going to be read.

        Of a gallery these are decoded and stored, where they are not at hand.

        Args:
            task: The transfer set.
            positions: Of those images, ascending.
            side: As `images` takes it.
        """
        images = self.images(task, side).train
        if not isinstance(images, StreamedRows) or not len(positions):
            return images
        key = digest([stored_key(task.images_key, self.plan.protocol, side), positions.tolist()])
        folder = self.artifacts.build(
            PICKED, key, lambda draft: write_picked(images, positions, draft)
        )
        return open_picked(folder, len(images))

    def _opened(self, task: PlannedTask, key: str, stored: int) -> ImageSet:
        # What a run has stored already need not be decoded again.
        if task.id not in self._streamed or self.artifacts.get("images", key) is not None:
            return open_images(self._images_folder(task, key, stored))
        component = self.names.make("task", task.component)
        key = digest([GALLERIES, 1, key])
        with self.artifacts.resumable(GALLERIES, key) as made:
            if made is not None:
                skip = self.plan.skip_corrupt
                look_through(component, stored, made.draft, made.unfinished, skip_corrupt=skip)
        folder = self.artifacts.folder(GALLERIES, key)
        return open_streamed(component, stored, folder, self.plan.protocol.store)

    def _images_folder(self, task: PlannedTask, key: str, stored: int) -> Path:
        if (folder := self.artifacts.get("images", key)) is not None:
            return folder
        with self.artifacts.resumable("images", key) as made:
            if made is not None:
                component = self.names.make("task", task.component)
                prepare(
                    component,
                    stored,
                    made.draft,
                    skip_corrupt=self.plan.skip_corrupt,
                    unfinished=made.unfinished,
                    store=self.plan.protocol.store,
                )
        return self.artifacts.folder("images", key)

    def split(self, task: PlannedTask, seed: int) -> Split:
        """The parts of a task's train images."""
        images = self.images(task)
        return split_train(
            images.train_labels,
            task.classes,
            self.plan.protocol,
            split_seed(self.plan.suite, task.id, seed),
            images.given_validation,
            images.train_groups,
        )

    def probe(self, task: PlannedTask, seed: int) -> NDArray[np.int64]:
        """Positions of the probe."""
        return draw_probe(
            self.images(task).train_labels,
            self.split(task, seed).labelled,
            self.plan.protocol.probe_size,
            seed_for(self.plan.suite, task.id, seed, "probe"),
            self.images(task).train_groups,
        )

    def probe_images(self, task: PlannedTask, seed: int) -> ProbeImages:
        """The images of the probe, without those of the rest of the task."""
        if (task.id, seed) not in self._probes:
            component = self.names.make("task", task.component)
            self._probes[task.id, seed] = ProbeImages(self.plan, task, component, seed)
        return self._probes[task.id, seed]

    def embedding_folder(self, task: PlannedTask, source: str) -> Path:
        """Where a source's embedding of a task lies; made now if it is not at hand."""
        folder = self.artifacts.get("embeddings", self._embedding_key(task, source))
        return folder or self.embed(task, [source])[source]

    def embed(self, task: PlannedTask, sources: Sequence[str]) -> dict[str, Path]:
        """Embeddings of a task; those that are missing are made in one pass over its images."""
        from distbench.engine.device import pick_device

        keys = {name: self._embedding_key(task, name) for name in sources}
        folders = build_embeddings(
            self.artifacts,
            {key: self.sources[name] for name, key in keys.items()},
            lambda side: self.images(task, side).train,
            pick_device(self.plan.device),
            self.plan.protocol,
        )
        return {name: folders[key] for name, key in keys.items()}

    def layer(self, task: PlannedTask, source: str, name: str, pool: Pool) -> NDArray[np.float16]:
        """A layer of a source on the train images of a task; made now if it is not at hand."""
        from distbench.engine.device import pick_device
        from distbench.engine.sources.layer_cache import cached_layer

        return cached_layer(
            self.artifacts,
            digest(["layer", 1, self._embedding_key(task, source), name, pool]),
            self.sources[source],
            name,
            pool,
            self.images(task, self.sources[source].info.input_size).train,
            pick_device(self.plan.device),
        )

    def _embedding_key(self, task: PlannedTask, source: str) -> str:
        plan = self.plan
        facts = plan.source(source)
        return embedding_key(facts, task.images_key, plan.protocol, plan.zoo_provenance)

    def eligible(
        self, task: PlannedTask, method: PlannedMethod
    ) -> tuple[list[SourceInfo], dict[str, Embedding], dict[str, str]]:
        """Sources that a method may use, their embeddings, and why each other one is left out."""
        infos: list[SourceInfo] = []
        embeddings: dict[str, Embedding] = {}
        excluded = self.eligibility.unusable(task.id, method)
        for info in self.eligibility.eligible(task.id, method):
            folder = self.embedding_folder(task, info.name)
            if is_finite(folder):
                infos.append(info)
                embeddings[info.name] = open_embedding(folder)
            else:
                excluded[info.name] = NOT_FINITE
        return infos, embeddings, excluded

    def context(self, task: PlannedTask, seed: int, read: set[str] | None = None) -> Context:
        """What a strategy or method may see of a task; labels of other images are hidden.

        Args:
            task: The task.
            seed: The run's seed.
            read: Takes the names of the sources whose embeddings are read.
        """
        images, split = self.images(task), self.split(task, seed)
        labels = np.full(images.train_labels.shape, UNLABELLED, dtype=np.int64)
        for known in (split.labelled, split.validation):
            labels[known] = images.train_labels[known]
        return Context(
            suite=self.plan.suite,
            task=task.id,
            seed=seed,
            classes=task.classes,
            labels=read_only(labels),
            labelled=read_only(split.labelled),
            unlabelled=read_only(split.unlabelled),
            validation=read_only(split.validation),
            protocol=self.plan.protocol.model_copy(),  # nobody changes ours
            embedding=lambda name: self._allowed(task, name, read),
            text_head=lambda name, texts: self._text_head(task, name, texts),
        )

    def _text_head(self, task: PlannedTask, source: str, texts: Sequence[str]) -> TextHead:
        self._check_allowed(task, source)
        return self.sources[source].text_head(texts)

    def _check_allowed(self, task: PlannedTask, source: str) -> None:
        if source in self.plan.excluded.get(task.id, {}):
            raise PluginError("embedding", f"source {source!r} may not be used for {task.id}")

    def _allowed(self, task: PlannedTask, source: str, read: set[str] | None) -> Embedding:
        self._check_allowed(task, source)
        if read is not None:
            read.add(source)
        return open_embedding(self.embedding_folder(task, source))
