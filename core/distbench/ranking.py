"""Scores and weights without training: only the probe's images are read and embedded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

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
from distbench.planning import plan_task
from distbench.plugins import registry
from distbench.resolve import (
    find_suite,
    find_zoo,
    overlaps,
    suite_component,
    task_entries,
    usable_sources,
)
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
    """

    task: str
    metric: str
    strategy: str
    probe: int
    sources: tuple[Ranked, ...]
    excluded: dict[str, str] = field(default_factory=dict)


def rank_sources(config: RunConfig) -> Ranking:
    """Ranks the sources of a zoo for one task.

    Raises:
        UsageError: Not exactly one task, metric and strategy are named, or one is unknown.
        DataError: The task's data cannot be used.
        WeightsError: Weights are missing or altered.
    """
    for kind in ("task", "metric", "strategy"):
        if len(getattr(config, kind)) != 1:
            raise UsageError(f"`rank` takes one {kind}, got {len(getattr(config, kind))}")
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    zoo = find_zoo(config, suite, names)
    sources = {source.info.name: source for source in usable_sources(zoo)}
    (entry,) = task_entries(config, suite, names)
    task = plan_task(entry, suite, names, protocol, config.skip_corrupt)
    infos = [source.info for source in sources.values()]
    saw = overlaps(infos, task.seen_by)
    excluded = saw if (config.overlap or suite.overlap) == "exclude" else {}
    infos = [info for info in infos if info.name not in excluded]

    component = cast(Task, names.make("task", task.component))
    probe = _Probe(component, task, protocol, suite.name, config.skip_corrupt)
    metric = cast(Metric, suite_component(names, suite, "metric", config.metric[0]))
    strategy = cast(Strategy, suite_component(names, suite, "strategy", config.strategy[0]))
    embeddings: dict[str, Embedding] = {}
    for info in infos:
        found = probe.embedding(sources[info.name], config.device)
        if found is None:
            excluded[info.name] = "its features or logits are not finite"
        else:
            embeddings[info.name] = found
    from distbench.stages.score import score
    from distbench.stages.weigh import weigh

    infos = [info for info in infos if info.name in embeddings]
    everything = np.arange(len(probe.labels))
    seed = seed_for(suite.name, task.id, 0, "metric")
    scores = score(metric, infos, embeddings, everything, probe.labels, seed)
    excluded |= scores.excluded
    try:
        weights = weigh(strategy, infos, scores)
    except Declined as declined:
        raise DataError(
            f"the sources cannot be ranked for {task.id!r}: {declined.reason}"
        ) from None
    ranked = [
        Ranked(info, scores.values[info.name], weights[info.name])
        for info in infos
        if info.name in scores.values
    ]
    ranked.sort(key=lambda r: -r.score)
    return Ranking(
        task.id, metric.label, strategy.label, len(probe.labels), tuple(ranked), excluded
    )


class _Probe:
    """The images of the probe and the sources' embeddings of them."""

    def __init__(
        self, task: Task, planned: PlannedTask, protocol: Protocol, suite: str, skip_corrupt: bool
    ) -> None:
        part = task.index().parts["train"]
        split = split_train(
            part.labels, planned.classes, protocol, split_seed(suite, planned.id, 0)
        )
        chosen = draw_probe(
            part.labels,
            split.labelled,
            protocol.probe_size,
            seed_for(suite, planned.id, 0, "probe"),
        )
        self._task, self._size = task, protocol.store_size
        self._artifacts = ArtifactCache(home() / "artifacts")
        self._key = digest([planned.images_key, chosen.tolist()])
        self._skip = skip_corrupt
        self._chosen: Positions = chosen
        self._folder = self._artifacts.build("probes", self._key, self._make)
        self.labels: Positions = part.labels[np.load(self._folder / "positions.npy")]

    def _make(self, folder: Path) -> None:
        from distbench.stages.prepare import fit, read_good

        images, kept = read_good(self._task, self._chosen.tolist(), self._skip)
        size = min(self._size, max(min(image.shape[:2]) for image in images))
        np.save(folder / "images.npy", np.stack([fit(image, size) for image in images]))
        np.save(folder / "positions.npy", np.array(kept, dtype=np.int64))

    def embedding(self, source: Source, device: str) -> Embedding | None:
        """A source's embedding of the probe; None where it is not finite."""
        from distbench.device import pick_device
        from distbench.stages.embed import embed, is_finite, open_embedding

        def make(folder: Path) -> None:
            embed(source, np.load(self._folder / "images.npy"), folder, pick_device(device))

        key = embedding_key(source.info, self._key)
        folder = self._artifacts.build("embeddings", key, make)
        return open_embedding(folder) if is_finite(folder) else None
