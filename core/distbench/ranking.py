"""Scores and weights without training: only the probe's images are read and embedded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from distbench.artifacts import ArtifactCache
from distbench.components import Metric, Strategy, Task
from distbench.config import RunConfig
from distbench.errors import DataError, Declined, UsageError
from distbench.identity import digest, seed_for
from distbench.keys import embedding_key, split_seed
from distbench.method import Embedding
from distbench.paths import home
from distbench.plan import PlannedTask
from distbench.planning import plan_methods, plan_task
from distbench.plugins import registry
from distbench.resolve import find_suite, find_tasks, find_zoo, overlaps, usable_sources
from distbench.sources import Source, SourceInfo
from distbench.split import Positions, draw_probe, split_train
from distbench.suite import Protocol


@dataclass(frozen=True)
class Ranked:
    """One source's place: its score under the metric and its weight under the strategy."""

    source: SourceInfo
    score: float
    weight: float


@dataclass(frozen=True)
class Ranking:
    """The sources of a zoo for one task, best first.

    Attributes:
        task: Id of the task.
        metric: The metric as one would type it.
        strategy: The strategy as one would type it.
        probe: Number of images that were scored on.
        sources: Scored sources, best first.
        excluded: Source to reason.
        marked: Sources kept although they saw the task, with the reason.
    """

    task: str
    metric: str
    strategy: str
    probe: int
    sources: tuple[Ranked, ...]
    excluded: dict[str, str] = field(default_factory=dict)
    marked: dict[str, str] = field(default_factory=dict)


def rank_sources(config: RunConfig) -> Ranking:
    """Ranks the sources of a zoo for one task.

    Raises:
        UsageError: Not exactly one task, metric and strategy are named, or one is unknown.
        DataError: The task's data cannot be used.
        WeightsError: Weights are missing or altered.
    """
    for kind in ("task", "metric", "strategy", "distiller"):
        if len(getattr(config, kind)) != 1:
            raise UsageError(f"`rank` takes one {kind}, got {len(getattr(config, kind))}")
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    zoo = find_zoo(config, suite, names)
    sources = {source.info.name: source for source in usable_sources(zoo)}
    (placed,) = find_tasks(config, suite, names)
    task = plan_task(placed, names, protocol, config.skip_corrupt)
    (method,) = plan_methods(config, suite, names)
    infos = [source.info for source in sources.values()]
    excluded = {i.name: reason for i in infos if (reason := method.unmet(i))}
    saw = overlaps(infos, task.seen_by)
    allowed = (config.overlap or suite.overlap) == "allow"
    excluded |= {} if allowed else saw

    from threadpoolctl import threadpool_limits

    from distbench.stages.score import score
    from distbench.stages.weigh import weigh

    component = cast(Task, names.make("task", task.component))
    metric = cast(Metric, names.make("metric", method.components["metric"]))
    strategy = cast(Strategy, names.make("strategy", method.components["strategy"]))
    with threadpool_limits(protocol.threads):
        probe = _Probe(component, task, protocol, suite.name, config.skip_corrupt)
        embeddings: dict[str, Embedding] = {}
        for info in infos:
            if info.name in excluded:
                continue
            made_by = names.provenance("zoo", zoo.name)
            found = probe.embedding(sources[info.name], config.device, made_by)
            if found is None:
                excluded[info.name] = "its features or logits are not finite"
            else:
                embeddings[info.name] = found
        infos = [info for info in infos if info.name in embeddings]
        everything = np.arange(len(probe.labels))
        seed = seed_for(suite.name, task.id, 0, "metric")
        scores = score(metric, infos, embeddings, everything, probe.labels, seed)
    excluded |= scores.excluded
    try:
        weights = weigh(strategy, infos, scores)
    except Declined as declined:
        reason = declined.reason
        raise DataError(f"the sources cannot be ranked for {task.id!r}: {reason}") from None
    ranked = [
        Ranked(info, scores.values[info.name], weights[info.name])
        for info in infos
        if info.name in scores.values
    ]
    ranked.sort(key=lambda r: -r.score)
    return Ranking(
        task=task.id,
        metric=metric.label,
        strategy=strategy.label,
        probe=len(probe.labels),
        sources=tuple(ranked),
        excluded=excluded,
        marked=saw if allowed else {},
    )


class _Probe:
    """The images of the probe and the sources' embeddings of them."""

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
