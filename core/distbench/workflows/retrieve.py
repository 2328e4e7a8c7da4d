"""`distbench retrieve`: the transfer set of one task from a gallery, as a distiller would have it.

What is near to what is `distbench.engine.retrieval`'s to say; here names become components, and
positions become names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distbench.errors import Declined, RefusedError, UsageError
from distbench.interfaces.task import TaskIndex
from distbench.leaderboard.tables.text_table import csv_text
from distbench.planning.config import RunConfig
from distbench.planning.eligibility import sources_that_saw
from distbench.planning.image_plan import image_plan
from distbench.planning.resolve import ResolvedRun
from distbench.planning.tasks import plan_images, plan_task
from distbench.plugins.component_identity import Identified


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
        notes: What one should know before one distils on them.
    """

    task: str
    gallery: str
    encoder: str
    budget: int
    queries: int
    each: int
    available: int
    images: tuple[Chosen, ...]
    notes: tuple[str, ...] = ()

    def csv(self) -> str:
        """The images as CSV, with columns ``image``, ``query`` and ``similarity``."""
        rows = ([one.image, one.query, f"{one.similarity:.6f}"] for one in self.images)
        return csv_text([["image", "query", "similarity"], *rows])


def curate(config: RunConfig, gallery: str, encoder: str, budget: int) -> Curated:
    """Retrieves a transfer set for one task, with the labelled images of seed 0 as queries.

    It is the set that a distiller with ``transfer``, ``budget`` and ``encoder`` uses for seed 0;
    embeddings are shared with such a run. The gallery's pixels go through the encoder and are not
    stored.

    Args:
        config: Names the task, and perhaps suite, zoo and protocol.
        gallery: A task whose train images are chosen from, e.g. ``images:path=DIR``.
        encoder: Name of a source of the zoo.
        budget: Size of the set, the labelled images counted in.

    Raises:
        UsageError: A name is unknown, or the budget too small.
        RefusedError: The encoder saw the task, or its features are not finite; or too many test or
            validation images of the task are among the images.
    """
    if len(config.task) != 1:
        raise UsageError(f"`retrieve` takes one task, got {len(config.task)}")
    run = ResolvedRun(config)
    protocol = run.protocol
    (info,) = run.encoders({encoder}).values()
    (resolved,) = run.tasks
    task = plan_task(resolved, protocol, config.skip_corrupt)
    pool = Identified.of(run.names, "task", run.names.make("task", gallery))
    images = plan_images(pool, protocol, config.skip_corrupt)
    excluded, _ = sources_that_saw([task], [info], run.overlap, run.names.held_by)
    if reason := excluded[task.id].get(encoder):
        raise RefusedError(f"encoder {encoder!r} {reason}; take another, or give --overlap allow")

    from threadpoolctl import threadpool_limits

    from distbench.engine.retrieval import neighbours_each, retrieve_between, too_small
    from distbench.engine.task_facts.same_pictures import check_transfer_set
    from distbench.engine.training.threads import torch_threads
    from distbench.engine.workspace import Workspace

    # A task that is its own gallery has its images stored in any case.
    plan = image_plan(run, "retrieve", (task, images), encoders=(info,))
    work = Workspace(plan, streamed={images.id} - {task.id})
    queries = work.split(task, 0).labelled
    each = neighbours_each(budget, len(queries))
    if not each:
        raise UsageError(too_small(budget, len(queries)))
    try:
        with torch_threads(protocol.threads), threadpool_limits(protocol.threads):
            retrieved = retrieve_between(work, task, images, queries, encoder, budget)
            notes = check_transfer_set(work, task, images, 0, retrieved.positions)
    except Declined as declined:
        raise RefusedError(declined.reason) from None
    own = _names(resolved.task.component.index(), work.images(task).skipped)
    there = _names(pool.component.index(), work.images(images).skipped)
    rows = zip(
        retrieved.positions.tolist(),
        retrieved.queries.tolist(),
        retrieved.similarity.tolist(),
        strict=True,
    )
    return Curated(
        task=task.id,
        gallery=pool.component.label,
        encoder=encoder,
        budget=budget,
        queries=len(queries),
        each=each,
        available=len(there),
        images=tuple(
            Chosen(there[position], own[int(queries[query])], round(close, 6))
            for position, query, close in rows
        ),
        notes=notes,
    )


def _names(index: TaskIndex, skipped: Sequence[str]) -> list[str]:
    """Names of the stored train images, in their order: a validation part comes last."""
    parts = [index.parts[name] for name in ("train", "validation") if name in index.parts]
    left_out = set(skipped)
    return [name for part in parts for name in part.names if name not in left_out]
