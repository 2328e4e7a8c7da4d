"""Cells and the jobs that they need as units: what an executor is handed, and in which groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distbench.interfaces.execution.unit import Kind, Resources, Unit
from distbench.interfaces.reporter import Cell
from distbench.planning.plan import Job, Plan

_TOGETHER = "together:"
_COMPUTES = frozenset({"together", "embed", "reference", "cell"})
"""What takes a GPU, where there is one."""


def units_of(
    plan: Plan,
    cells: Sequence[Cell],
    timeout: float | None = None,
    *,
    gpus: int = 0,
    groups: int = 0,
) -> list[Unit]:
    """These cells and the jobs that they need, in an order in which they can be done.

    Args:
        plan: The plan.
        cells: What is to be computed.
        timeout: Seconds that each unit may take.
        gpus: How many GPUs a unit takes that computes on one.
        groups: Into how many groups the sources of a task are divided, each of which is embedded in
            one pass over its images before any source is by itself: on a GPU, reading images may
            take longer than a source does. 0: none.
    """
    jobs = {job.id: job for job in plan.jobs}
    threads = plan.protocol.threads
    units: list[Unit] = []
    seen: set[str] = set()
    together: dict[str, list[Unit]] = {}

    def unit(id: str, needs: tuple[str, ...], title: str, kind: Kind, task: str) -> Unit:
        cpus = 1 if kind == "score" else threads
        resources = Resources(cpus, gpus if kind in _COMPUTES else 0)
        return Unit(id, needs, title, timeout, kind, resources, task)

    def in_groups(job: Job) -> tuple[str, ...]:
        """Units that embed the sources of the job's task together; made when first asked for."""
        if job.task not in together:
            together[job.task] = []
            for id, sources in _grouped(plan, job.task, groups).items():
                title = f"embedding {job.task} with {len(sources)} sources"
                together[job.task].append(unit(id, job.needs, title, "together", job.task))
            units.extend(together[job.task])
        return tuple(own.id for own in together[job.task])

    def want(ids: tuple[str, ...]) -> None:
        for id in ids:
            if id in seen:
                continue
            seen.add(id)
            job = jobs[id]
            want(job.needs)
            more = in_groups(job) if job.stage == "embed" and groups else ()
            units.append(unit(id, job.needs + more, job.title, job.stage, job.task))

    for cell in cells:
        want(cell.needs)
        units.append(unit(cell.id, cell.needs, f"{cell.method} on {cell.task}", "cell", cell.task))
    return units


def sources_together(plan: Plan, unit: str) -> tuple[str, tuple[str, ...]] | None:
    """Task and sources of a unit that embeds several at once; None where it is none such."""
    if not unit.startswith(_TOGETHER):
        return None
    task, _, of = unit.removeprefix(_TOGETHER).rpartition(":")
    return task, _grouped(plan, task, int(of.partition("/")[2]))[unit]


def _grouped(plan: Plan, task: str, groups: int) -> dict[str, tuple[str, ...]]:
    """Sources of a task by the unit that embeds them; of groups that hold several, no more."""
    costs = {
        job.source: plan.source(job.source).macs or 1
        for job in plan.jobs
        if job.stage == "embed" and job.task == task and job.source
    }
    divided = [group for group in balanced(costs, groups) if len(group) > 1]
    return {f"{_TOGETHER}{task}:{i}/{groups}": group for i, group in enumerate(divided, start=1)}


def balanced(costs: Mapping[str, float], groups: int) -> list[tuple[str, ...]]:
    """Names in so many groups whose costs are about the same: the dearest first to the cheapest."""
    members: list[list[str]] = [[] for _ in range(groups)]
    loads = [0.0] * groups
    for name in sorted(costs, key=lambda name: (-costs[name], name)):
        least = loads.index(min(loads))
        members[least].append(name)
        loads[least] += costs[name]
    return [tuple(group) for group in members]
