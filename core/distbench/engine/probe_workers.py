"""Sources that see the probe of a task side by side, each a unit of work as a run has them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from distbench.engine.execute import execute_units, workers_at_once
from distbench.engine.sources.probe_images import ProbeImages
from distbench.errors import DistbenchError
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.execution.unit import Outcome, Resources, Unit
from distbench.interfaces.progress import Progress
from distbench.planning.config import RunConfig
from distbench.planning.plan import Job, Plan, PlannedTask

_PACE = 2e10
"""Multiply-accumulates that a core does in a second, of networks with thin layers."""
_UNKNOWN = 500_000_000
"""Multiply-accumulates of an image in a source whose zoo does not say."""
_START, _AGAIN = 0.5, 4.0
"""Seconds by which a first result is later from a worker than from this process: where both load
torch, and where this one has done so."""


def see_probe(
    config: RunConfig,
    plan: Plan,
    task: PlannedTask,
    images: ProbeImages,
    sources: Sequence[str],
    executor: Executor,
    progress: Progress,
) -> None:
    """Has workers embed a probe where several of them are faster than this process alone.

    They fill the cache, which the caller reads. What fails there is left to the caller, in whose
    process it fails again: with the error itself and not with what a worker could write of it.

    Args:
        config: How many workers, and how often one tries.
        plan: Of the task and the zoo.
        task: The task.
        images: Its probe.
        sources: Those that have not seen it.
        executor: Who starts workers.
        progress: Hears what is being done.

    Raises:
        CorruptImageError: An image cannot be decoded, and corrupt ones are not left out.
        DataError: Other images can be read at the size of one source than at the usual one.
        DistbenchError: A worker died over a source, or no one took it.
        UsageError: The executor cannot work here.
    """
    progress(f"reading {len(images)} images of {task.id}")
    images.decode(sources)
    workers = workers_at_once(config, plan, executor)
    if not _is_faster(config, plan, len(images), sources, workers, executor):
        whose = sources[0] if len(sources) == 1 else f"{len(sources)} sources"
        progress(f"embedding the probe of {task.id} with {whose}")
        return
    executor.ready()
    jobs = [
        Job(
            f"embed:{task.id}:probe:{name}", "embed", images.key(name), task.id, source=name, seed=0
        )
        for name in sorted(sources, key=lambda name: -(plan.source(name).macs or _UNKNOWN))
    ]
    takes = Resources(plan.protocol.threads, executor.gpus_a_unit(plan.device))
    ended: list[Outcome] = []
    execute_units(
        config,
        replace(plan, jobs=tuple(jobs)),
        [Unit(job.id, (), job.title, None, "embed", takes, task.id) for job in jobs],
        executor,
        ended.append,
        workers=None if workers is None else min(workers, len(jobs)),
        progress=progress,
        short=(),
    )
    titles = {job.id: job.title for job in jobs}
    for outcome in ended:
        # Where nobody tells where it was done, whoever worked on it is gone.
        if outcome.status != "done" and not outcome.home:
            raise DistbenchError(f"{titles[outcome.unit]} failed: {outcome.reason}")


def _is_faster(
    config: RunConfig,
    plan: Plan,
    count: int,
    sources: Sequence[str],
    workers: int | None,
    executor: Executor,
) -> bool:
    """Whether workers are worth starting; who names them or their number has decided that."""
    if executor.here and (workers == 1 or len(sources) == 1):
        return False
    if {"executor", "workers"} & config.model_fields_set or not workers:
        return True
    if executor.gpus_a_unit(plan.device):  # which is done with a probe before a worker has begun
        return False
    macs = sum(plan.source(name).macs or _UNKNOWN for name in sources)
    saved = count * macs / _PACE * (1 - 1 / min(workers, len(sources)))
    return saved > (_AGAIN if "torch" in sys.modules else _START)
