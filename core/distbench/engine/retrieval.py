"""Transfer sets that fit a task: images of a gallery that are near its labelled ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.engine.sources.stored_embeddings import is_finite, open_embedding
from distbench.engine.workspace import Workspace
from distbench.errors import Declined
from distbench.interfaces.context import Context, WeightedSource
from distbench.interfaces.method import Distiller, Method
from distbench.planning.plan import PlannedMethod, PlannedTask

_BLOCK = 4096
"""Gallery images that are compared at a time."""

_QUERIES = 1024
"""Queries that are compared at a time."""

_HELD = 2**22
"""Neighbours that are kept at a time, over all queries: 32 MB of positions."""

_DECIMALS = 6
"""Of a similarity: equal images are equally near, whichever block they lie in."""


@dataclass(frozen=True)
class Retrieval:
    """Images that were chosen from a gallery, in the order of their positions.

    Attributes:
        positions: (k,) in the gallery, ascending, none twice.
        queries: (k,) number of the query that each was chosen for.
        similarity: (k,) float32, cosine similarity of image and query.
    """

    positions: NDArray[np.int64]
    queries: NDArray[np.int64]
    similarity: NDArray[np.float32]


@dataclass(frozen=True)
class Retrieved:
    """The transfer images that a method uses.

    Attributes:
        positions: In the transfer set.
        encoder: The source by whose features they were found.
        compared: Queries and images of the gallery, which all went through the encoder.
    """

    positions: NDArray[np.int64]
    encoder: str
    compared: int


def retrieve_for(
    work: Workspace,
    method: Method,
    planned: PlannedMethod,
    context: Context,
    sources: tuple[WeightedSource, ...],
) -> Retrieved | None:
    """The transfer images that a method retrieves; None where it takes all, or has none.

    Raises:
        Declined: The encoder may not be used for this task, or nothing would be retrieved.
    """
    wanted = method.transfer_set() if isinstance(method, Distiller) else None
    if wanted is None or wanted.budget is None or planned.transfer is None:
        return None
    encoder = wanted.encoder or sources[0].info.name
    task = work.plan.task(context.task)
    if encoder in work.plan.excluded.get(task.id, {}):
        raise Declined(f"its encoder {encoder!r} {work.plan.excluded[task.id][encoder]}")
    if not neighbours_each(wanted.budget, len(context.labelled)):
        raise Declined(too_small(wanted.budget, len(context.labelled)))
    retrieval = retrieve_between(
        work, task, planned.transfer, context.labelled, encoder, wanted.budget
    )
    compared = len(context.labelled) + len(work.images(planned.transfer).train)
    return Retrieved(retrieval.positions, encoder, compared)


def retrieve_between(
    work: Workspace,
    task: PlannedTask,
    gallery: PlannedTask,
    queries: NDArray[np.int64],
    encoder: str,
    budget: int,
) -> Retrieval:
    """Images of a gallery for train images of a task, by the features of a source.

    Args:
        work: The plan, opened.
        task: Holds the queries.
        gallery: Holds the images to choose from.
        queries: Positions (q,) of train images.
        encoder: The source.
        budget: As `retrieve` takes it.

    Raises:
        Declined: Features are not finite.
    """
    folders = [work.embedding_folder(images, encoder) for images in (task, gallery)]
    if not all(is_finite(folder) for folder in folders):
        raise Declined(f"the features of encoder {encoder!r} are not finite")
    own, there = (open_embedding(folder).features for folder in folders)
    return retrieve(own[queries], there, budget)


def neighbours_each(budget: int, queries: int) -> int:
    """How many neighbours each query gets, so that queries and neighbours fill the budget.

    ``budget // queries - 1``: the rule by which Vemulapalli et al. (ICML 2024) made their sets, as
    their published splits show.
    """
    return max(budget // queries - 1, 0)


def too_small(budget: int, queries: int) -> str:
    """Why a budget will not do."""
    return (
        f"a budget of {budget} leaves no image to retrieve for {queries} labelled ones, which "
        f"count: take {2 * queries} or more"
    )


def retrieve(
    queries: NDArray[np.floating], gallery: NDArray[np.floating], budget: int
) -> Retrieval:
    """Query-balanced retrieval: every query gets as many images, the nearest that are left.

    Queries choose in turns, their nearest first, by cosine similarity; an image that another query
    took goes to the one that asked first, and the other takes its next. Every pair is compared, in
    memory that grows with the queries and the budget, but not with the gallery.

    Args:
        queries: (q, d) features.
        gallery: (m, d) features, perhaps memory-mapped.
        budget: Images of the whole transfer set, queries counted in.

    Returns:
        ``budget // q - 1`` images for each query; where the gallery has not so many, all of it,
        each for the query that it is nearest to.
    """
    each = neighbours_each(budget, len(queries))
    if each * len(queries) >= len(gallery):
        return _everything(queries, gallery)
    taken = np.zeros(len(gallery), dtype=bool)
    chosen = np.zeros((len(queries), each), dtype=np.int64)
    near = np.zeros((len(queries), each), dtype=np.float32)
    depth = min(2 * each + 8, max(_HELD // len(queries), 1))
    positions, close = nearest(queries, gallery, depth)
    rows, values = list(positions), list(close)
    looked = [0] * len(queries)
    for turn in range(each):
        for query in range(len(queries)):
            if looked[query] == len(rows[query]) or taken[rows[query][looked[query] :]].all():
                # All who have run out look further at once: one pass over the gallery for them.
                depth *= 2
                short = [i for i, row in enumerate(rows) if taken[row[looked[i] :]].all()]
                most = max(_HELD // len(short), 1)
                positions, close = nearest(queries[short], gallery, min(depth, most), taken)
                for i, number in enumerate(short):
                    rows[number], values[number], looked[number] = positions[i], close[i], 0
            first = looked[query] + int(np.argmin(taken[rows[query][looked[query] :]]))
            looked[query] = first + 1
            position = rows[query][first]
            taken[position] = True
            chosen[query, turn], near[query, turn] = position, values[query][first]
    order = np.argsort(chosen, axis=None)
    numbers = np.repeat(np.arange(len(queries)), each)
    return Retrieval(chosen.ravel()[order], numbers[order], near.ravel()[order])


def _everything(queries: NDArray[np.floating], gallery: NDArray[np.floating]) -> Retrieval:
    """All of a gallery, each image for the query that it is nearest to."""
    parts = [
        nearest(gallery[start : start + _BLOCK], queries, 1)
        for start in range(0, len(gallery), _BLOCK)
    ]
    empty = [(np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1), dtype=np.float32))]
    positions, close = zip(*(parts or empty), strict=True)
    return Retrieval(
        np.arange(len(gallery)), np.concatenate(positions)[:, 0], np.concatenate(close)[:, 0]
    )


def nearest(
    queries: NDArray[np.floating],
    gallery: NDArray[np.floating],
    depth: int,
    without: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest gallery images of each query, nearest first; those equally near by position.

    Args:
        queries: (q, d) features.
        gallery: (m, d) features, perhaps memory-mapped; a block of it is read at a time.
        depth: How many are wanted.
        without: (m,) images to leave out.

    Returns:
        Positions (q, `depth`) and cosine similarities, rounded; fewer where there are fewer.
    """
    count = len(gallery) if without is None else int((~without).sum())
    depth = min(depth, count)
    positions = np.zeros((len(queries), depth), dtype=np.int64)
    close = np.zeros((len(queries), depth), dtype=np.float32)
    for start in range(0, len(queries), _QUERIES):
        some = slice(start, start + _QUERIES)
        positions[some], close[some] = _nearest(_unit(queries[some]), gallery, depth, without)
    return positions, close


def _nearest(
    unit: NDArray[np.float32],
    gallery: NDArray[np.floating],
    depth: int,
    without: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """As `nearest`, for queries of length 1 that fit into memory beside a block of the gallery."""
    best = np.zeros((len(unit), 0), dtype=np.float32)
    positions = np.zeros((len(unit), 0), dtype=np.int64)
    for start in range(0, len(gallery), _BLOCK):
        free = np.arange(start, min(start + _BLOCK, len(gallery)))
        block = _unit(gallery[start : start + _BLOCK])
        if without is not None:
            block, free = block[~without[free]], free[~without[free]]
        close = np.round(unit @ block.T, _DECIMALS)
        kept = _highest(close, depth)
        best = np.concatenate([best, np.take_along_axis(close, kept, axis=1)], axis=1)
        positions = np.concatenate([positions, free[kept]], axis=1)
        # Earlier blocks come first, so that among equals the lower position stays.
        kept = _highest(best, depth)
        best = np.take_along_axis(best, kept, axis=1)
        positions = np.take_along_axis(positions, kept, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(positions, order, axis=1), np.take_along_axis(best, order, axis=1)


def _highest(values: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """Columns (q, `depth`) of the highest values of each row, ascending; among equals the first."""
    width = values.shape[1]
    if depth >= width:
        return np.broadcast_to(np.arange(width), values.shape)
    kept = np.argpartition(values, width - depth, axis=1)[:, width - depth :]
    least = np.take_along_axis(values, kept, axis=1).min(axis=1, keepdims=True)
    for row in np.flatnonzero((values >= least).sum(axis=1) > depth):
        kept[row] = np.argsort(-values[row], kind="stable")[:depth]
    kept.sort(axis=1)
    return kept


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    floats = np.asarray(rows, dtype=np.float32)
    length = np.linalg.norm(floats, axis=1, keepdims=True)
    return np.divide(floats, np.where(length > 0, length, 1), dtype=np.float32)
