"""Curates the transfer set of a task from a gallery, as a distiller with a budget would."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from distbench.errors import Declined, RefusedError, UsageError
from distbench.interfaces.suite import Protocol, SuiteDefinition
from distbench.interfaces.task import Task, TaskIndex
from distbench.interfaces.zoo import SourceInfo, Zoo
from distbench.planning.config import RunConfig
from distbench.planning.methods import plan_images
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.planner import plan_task
from distbench.planning.resolve import find_encoders, find_suite, find_tasks, find_zoo, overlaps
from distbench.plugins.component_identity import as_table, plugin_digests
from distbench.plugins.registry import Registry, registry
from distbench.storage.offline import go_offline


@dataclass(frozen=True)
class Chosen:
    """An image of a transfer set: its name, the labelled image it was chosen for, how near."""

    image: str
    query: str
    similarity: float


@dataclass(frozen=True)
class Curated:
    """A transfer set that was retrieved for a task.

    Attributes:
        task: Id of the task.
        gallery: The gallery as one would type it.
        encoder: The source by whose features it was retrieved.
        budget: Its size, the labelled images counted in.
        queries: Number of labelled images.
        each: Images retrieved for each of them.
        available: Images of the gallery.
        images: The retrieved images, by name.
    """

    task: str
    gallery: str
    encoder: str
    budget: int
    queries: int
    each: int
    available: int
    images: tuple[Chosen, ...]

    def csv(self) -> str:
        """The images as CSV, with columns ``image``, ``query`` and ``similarity``."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["image", "query", "similarity"])
        writer.writerows([one.image, one.query, f"{one.similarity:.6f}"] for one in self.images)
        return text.getvalue()


def curate(config: RunConfig, gallery: str, encoder: str, budget: int) -> Curated:
    """Retrieves a transfer set for one task, with the labelled images of seed 0 as queries.

    It is the set that a distiller with ``transfer``, ``budget`` and ``encoder`` uses for seed 0;
    images and embeddings are shared with such a run.

    Args:
        config: Names the task, and perhaps suite, zoo and protocol.
        gallery: A task whose train images are chosen from, e.g. ``images:path=DIR``.
        encoder: Name of a source of the zoo.
        budget: Size of the set, the labelled images counted in.

    Raises:
        UsageError: A name is unknown, or the budget too small.
        RefusedError: The encoder saw the task, or its features are not finite.
    """
    if len(config.task) != 1:
        raise UsageError(f"`retrieve` takes one task, got {len(config.task)}")
    if config.offline:
        go_offline()
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    zoo = find_zoo(config, suite, names)
    (info,) = find_encoders(zoo, {encoder}).values()
    (placed,) = find_tasks(config, suite, names)
    task = plan_task(placed, names, protocol, config.skip_corrupt)
    pool = cast(Task, names.make("task", gallery))
    images = plan_images(pool, names, protocol, config.skip_corrupt)
    saw = overlaps([info], task.seen_by, names)
    if saw and (config.overlap or suite.overlap) == "exclude":
        raise RefusedError(
            f"encoder {encoder!r} {saw[encoder]}; take another, or give --overlap allow"
        )

    import torch
    from threadpoolctl import threadpool_limits

    from distbench.engine.retrieval import neighbours_each, retrieve_between, too_small
    from distbench.engine.workspace import Workspace

    work = Workspace(_plan(config, suite, protocol, zoo, names, (task, images), info))
    queries = work.split(task, 0).labelled
    each = neighbours_each(budget, len(queries))
    if not each:
        raise UsageError(too_small(budget, len(queries)))
    before = torch.get_num_threads()
    torch.set_num_threads(protocol.threads)
    try:
        with threadpool_limits(protocol.threads):
            found = retrieve_between(work, task, images, queries, encoder, budget)
    except Declined as declined:
        raise RefusedError(declined.reason) from None
    finally:
        torch.set_num_threads(before)
    known = cast(Task, work.component("task", task.component))
    own = _names(known.index(), work.images(task).skipped)
    there = _names(pool.index(), work.images(images).skipped)
    rows = zip(
        found.positions.tolist(), found.queries.tolist(), found.similarity.tolist(), strict=True
    )
    return Curated(
        task=task.id,
        gallery=pool.label,
        encoder=encoder,
        budget=budget,
        queries=len(queries),
        each=each,
        available=len(there),
        images=tuple(
            Chosen(there[place], own[int(queries[query])], round(close, 6))
            for place, query, close in rows
        ),
    )


def _names(index: TaskIndex, skipped: Sequence[str]) -> list[str]:
    """Names of the stored train images, in their order: a validation part comes last."""
    parts = [index.parts[name] for name in ("train", "validation") if name in index.parts]
    left_out = set(skipped)
    return [name for part in parts for name in part.names if name not in left_out]


def _plan(
    config: RunConfig,
    suite: SuiteDefinition,
    protocol: Protocol,
    zoo: Zoo,
    names: Registry,
    tasks: tuple[PlannedTask, ...],
    encoder: SourceInfo,
) -> Plan:
    """A plan without methods and cells, by which images are read and embedded as in a run."""
    return Plan(
        name="retrieve",
        suite=suite.name,
        suite_version=suite.version,
        protocol=protocol,
        device=config.device,
        plugin_files=plugin_digests(config.plugin),
        skip_corrupt=config.skip_corrupt,
        save_student=False,
        student={},
        student_identity={},
        zoo=as_table(zoo),
        zoo_identity=None,
        zoo_provenance=names.provenance("zoo", zoo.name),
        sources=(),
        generalist=None,
        encoders=(encoder,),
        reference=None,
        excluded={},
        marked={},
        seeds=(0,),
        tasks=tasks,
        methods=(),
        jobs=(),
        cells=(),
    )
