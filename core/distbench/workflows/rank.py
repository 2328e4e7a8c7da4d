"""`distbench rank`: the sources of a zoo for a task, without training: only the probe is embedded.

Sources that have not seen it are units of work, which an executor has done as those of a run.

The order and the weights are `distbench.engine.ranking`'s; here names become probes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.processes.time_limit import time_limit
from distbench.engine.ranking import Comparison, rank_probes
from distbench.errors import DataError, DistbenchError, UsageError
from distbench.interfaces.context import Embedding, Surroundings
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.metric import BEYOND, Metric
from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import Source, SourceInfo
from distbench.planning.config import DEFAULT_STUDENT, RunConfig
from distbench.planning.eligibility import (
    NOT_FINITE,
    Eligibility,
    doubtful_names,
    sources_that_saw,
)
from distbench.planning.image_plan import image_plan
from distbench.planning.methods import method_needs
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.planner import make_plan
from distbench.planning.resolve import ResolvedRun
from distbench.planning.tasks import plan_task
from distbench.storage.hashing import seed_for
from distbench.workflows import flat_scale

if TYPE_CHECKING:
    from distbench.engine.sources.probe_images import ProbeImages
    from distbench.engine.workspace import Workspace


@dataclass(frozen=True)
class ZooComparison(Comparison):
    """The sources of a zoo under several metrics, of which some are no judges of them.

    Attributes:
        controls: Metrics of the role control, which do not look at the task.
        read: What was found of the task, in words.
    """

    controls: tuple[str, ...] = ()
    read: str = ""

    @property
    def counted(self) -> tuple[str, ...]:
        """The metrics whose places are averaged: no controls, and all over the same sources.

        Of different sets of sources the one that most metrics scored, then the larger one. A place
        among three sources is none among ten. Nor does a metric count that scores all alike.
        """
        scored = {
            ranking.metric: frozenset(ranking.places)
            for ranking in self.rankings
            if ranking.metric not in self.controls and len(set(ranking.scores.values())) > 1
        }
        if not scored:
            return ()
        times = Counter(scored.values())
        common = max(times, key=lambda names: (times[names], len(names), sorted(names)))
        return tuple(metric for metric, names in scored.items() if names == common)

    @property
    def mean_places(self) -> dict[str, float]:
        """Mean place under the metrics that count, by source, the best first."""
        places = [self[metric].places for metric in self.counted]
        means = {
            name: float(np.mean([own[name] for own in places])) for name in (places or [{}])[0]
        }
        return dict(sorted(means.items(), key=lambda item: (item[1], item[0])))

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources that a metric scored, by mean place; those without one last."""
        return tuple(dict.fromkeys((*self.mean_places, *super().sources)))


def rank_sources(config: RunConfig, progress: Progress = silent) -> ZooComparison:
    """Ranks the sources of a zoo for one task, by each metric of the configuration.

    Args:
        config: What to rank, and by whom sources are run.
        progress: Hears of what is read and embedded.

    Raises:
        UsageError: Not exactly one task and strategy are named, or one is unknown.
        DataError: The task's data cannot be used.
        WeightsError: Weights are missing or altered.
        TimedOutError: It takes longer than the configuration's limit.
    """
    with time_limit(config.timeout, "rank"):
        return _rank(config, progress)


def _rank(config: RunConfig, progress: Progress) -> ZooComparison:
    for kind in ("task", "strategy", "distiller"):
        if len(getattr(config, kind)) != 1:
            raise UsageError(f"`rank` takes one {kind}, got {len(getattr(config, kind))}")
    run = ResolvedRun(config)
    suite, protocol = run.suite, run.protocol
    (resolved,) = run.tasks
    task = plan_task(resolved, protocol, config.skip_corrupt)
    sources = run.sources
    metrics = cast(tuple[Metric, ...], run.components("metric"))
    note, warning = run.metric_remarks()
    (strategy,) = cast(tuple[Strategy], run.components("strategy"))
    executor = run.names.make("executor", config.executor, base=config.base_of("executor"))
    distillers = run.components("distiller")
    infos = tuple(source.info for source in sources.values())
    saw, marked = sources_that_saw([task], infos, run.overlap, run.names.held_by)
    eligibility = Eligibility(infos, None, saw, marked)
    excluded = {
        metric.label: eligibility.left_out(task.id, method_needs([metric, *distillers]), infos)
        for metric in metrics
    }

    from threadpoolctl import threadpool_limits

    from distbench.engine.sources.probe_images import ProbeImages
    from distbench.engine.stages.score import probes_of

    @cache
    def whole() -> Workspace:
        """All of the task, opened where a metric or the strategy sees more than the probe."""
        from distbench.engine.workspace import Workspace

        return Workspace(_plan(config, student=False))

    with threadpool_limits(protocol.threads):
        seeing = (source.info for source in run.sources.values())
        plan = image_plan(run, "rank", (task,), sources=seeing)
        images = ProbeImages(plan, task, resolved.task.component)
        wanted = {
            name: source
            for name, source in sources.items()
            if not all(name in out for out in excluded.values())
        }
        embeddings: dict[str, Embedding] = {}
        for name, embedding in _seen(config, plan, images, wanted, executor, progress).items():
            if embedding is None:
                for out in excluded.values():
                    out[name] = NOT_FINITE
            else:
                embeddings[name] = embedding
        around = _around(whole, metrics, len(images.labels))
        reference = _reference(config, metrics, len(images.labels))
        if isinstance(reference, str):
            for metric in metrics:
                if "reference" in metric.needed():
                    excluded[metric.label] |= dict.fromkeys(embeddings, reference)
            reference = None
        probes = probes_of(
            [info for info in infos if info.name in embeddings],
            embeddings,
            np.arange(len(images.labels)),
            images.labels,
            seed_for(suite.name, task.id, 0, "metric"),
            reference,
            around,
        )
        ranked = rank_probes(
            task.id,
            metrics,
            strategy,
            probes,
            excluded,
            marked[task.id],
            lambda: whole().context(task, 0),
        )
        return ZooComparison(
            ranked.rankings,
            notes=(*task.notes, *([note] if note else []), *_notes(run, task, images.skipped)),
            warnings=(*([warning] if warning else []), *flat_scale.of_rankings(ranked, strategy)),
            controls=tuple(metric.label for metric in metrics if metric.role == "control"),
            read=task.read,
        )


def _notes(run: ResolvedRun, task: PlannedTask, skipped: int) -> Iterator[str]:
    """What a reader should know besides what the task says itself."""
    yield from run.metrics_left_out.values()
    if skipped:
        yield f"{skipped} images of the probe cannot be read and are skipped"
    infos = [source.info for source in run.sources.values()]
    yield from doubtful_names(infos, [task], run.names.data_sets())


def _seen(
    config: RunConfig,
    plan: Plan,
    images: ProbeImages,
    sources: Mapping[str, Source],
    executor: Executor,
    progress: Progress,
) -> dict[str, Embedding | None]:
    """Each source's embedding of the probe by its name; None where it is not finite."""
    if unseen := images.unseen([*sources]):
        from distbench.engine.probe_workers import see_probe

        see_probe(config, plan, plan.tasks[0], images, unseen, executor, progress)
    return images.embeddings(sources)


def _plan(config: RunConfig, *, student: bool = True) -> Plan:
    """A run of the same task and sources; what is distilled does not matter, but something must.

    Args:
        config: What is ranked.
        student: Whether its student counts; else the weights of none are asked for.
    """
    update: dict[str, Any] = {"distiller": RunConfig().distiller}
    if not student and config.student is None and config.suite is None:
        update["student"] = f"{DEFAULT_STUDENT}:pretrained=false"
    return make_plan(config.model_copy(update=update))


def _around(
    whole: Callable[[], Workspace], metrics: Sequence[Metric], size: int
) -> Callable[[SourceInfo], Surroundings] | None:
    """What metrics see besides the probe, which takes all images of the task; None if none asks.

    Raises:
        DataError: Images of the probe cannot be read, so that it is not the one of a run.
    """
    needs = {need for metric in metrics for need in metric.needed()}
    if not needs & BEYOND:
        return None
    from distbench.engine.scores import surroundings

    work = whole()
    (task,) = work.plan.tasks
    if len(work.probe(task, 0)) != size:
        raise DataError(
            f"images of the probe of {task.id} cannot be read; without them "
            f"{', '.join(m.label for m in metrics if m.needed() & BEYOND)} cannot be computed"
        )
    return surroundings(work, task, 0, needs)


def _reference(
    config: RunConfig, metrics: Sequence[Metric], size: int
) -> NDArray[np.float32] | str | None:
    """Features of the reference model on the probe, as a run has them, or why there are none.

    None where no metric asks for them.

    Raises:
        DistbenchError: There are none, and every metric needs them.
    """
    wanting = [metric.label for metric in metrics if "reference" in metric.needed()]
    if not wanting:
        return None
    from distbench.engine.scores import reference_features
    from distbench.engine.workspace import Workspace

    try:
        plan = _plan(config)
        features = reference_features(Workspace(plan), plan.tasks[0], 0)
    except DistbenchError as error:
        if len(wanting) == len(metrics):
            raise
        return f"no reference for {', '.join(wanting)}: {error}"
    return features if len(features) == size else "no reference: images of the probe are corrupt"
