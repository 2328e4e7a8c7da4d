"""Ranks the sources of a zoo for a task without training on it: only the probe is embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.ranking import Comparison, rank_probes
from distbench.errors import DistbenchError, UsageError
from distbench.interfaces.context import Embedding
from distbench.interfaces.method import Distiller
from distbench.interfaces.metric import Metric
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.task import Task
from distbench.planning.config import RunConfig
from distbench.planning.methods import planned_method
from distbench.planning.planner import make_plan, plan_task
from distbench.planning.resolve import (
    find_suite,
    find_tasks,
    find_zoo,
    overlaps,
    suite_components,
    usable_sources,
)
from distbench.plugins.registry import registry
from distbench.storage.hashing import seed_for
from distbench.storage.offline import go_offline


def rank_sources(config: RunConfig) -> Comparison:
    """Ranks the sources of a zoo for one task, by each metric of the configuration.

    Raises:
        UsageError: Not exactly one task and strategy are named, or one is unknown.
        DataError: The task's data cannot be used.
        WeightsError: Weights are missing or altered.
    """
    for kind in ("task", "strategy", "distiller"):
        if len(getattr(config, kind)) != 1:
            raise UsageError(f"`rank` takes one {kind}, got {len(getattr(config, kind))}")
    if config.offline:
        go_offline()
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    zoo = find_zoo(config, suite, names)
    sources = {source.info.name: source for source in usable_sources(zoo)}
    (placed,) = find_tasks(config, suite, names)
    task = plan_task(placed, names, protocol, config.skip_corrupt)
    metrics = cast(list[Metric], suite_components(config, names, suite, "metric"))
    (strategy,) = cast(list[Strategy], suite_components(config, names, suite, "strategy"))
    distillers = cast(list[Distiller], suite_components(config, names, suite, "distiller"))
    infos = [source.info for source in sources.values()]
    saw = overlaps(infos, task.seen_by, names)
    allowed = (config.overlap or suite.overlap) == "allow"
    excluded: dict[str, dict[str, str]] = {}
    for metric in metrics:
        parts = dict(zip(("metric", "distiller"), (metric, *distillers), strict=False))
        method = planned_method(parts, suite, names, protocol)
        excluded[metric.label] = {i.name: reason for i in infos if (reason := method.unmet(i))}
        excluded[metric.label] |= {} if allowed else saw
    component = cast(Task, names.make("task", task.component))

    from threadpoolctl import threadpool_limits

    from distbench.engine.probe_images import ProbeImages
    from distbench.engine.stages.score import probes_of

    with threadpool_limits(protocol.threads):
        images = ProbeImages(component, task, protocol, suite.name, config.skip_corrupt)
        wanted = [
            sources[info.name]
            for info in infos
            if not all(info.name in out for out in excluded.values())
        ]
        made_by = names.provenance("zoo", zoo.name)
        embeddings: dict[str, Embedding] = {}
        for name, found in images.embeddings(wanted, config.device, made_by).items():
            if found is None:
                for out in excluded.values():
                    out[name] = "its features or logits are not finite"
            else:
                embeddings[name] = found
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
        )
        return rank_probes(
            task.id, metrics, strategy, probes, excluded, marked=saw if allowed else {}
        )


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
    from distbench.engine.cell import reference_of
    from distbench.engine.workspace import Workspace

    try:
        # What is distilled does not matter to the reference, but a plan needs something to do.
        plan = make_plan(config.model_copy(update={"distiller": RunConfig().distiller}))
        found = reference_of(Workspace(plan), plan.tasks[0], 0)
    except DistbenchError as error:
        if len(wanting) == len(metrics):
            raise
        return f"no reference for {', '.join(wanting)}: {error}"
    return found if len(found) == size else "no reference: images of the probe are corrupt"
