"""Parts of a task whose images may show several classes: iterative stratification.

Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011: the
class that fewest of the images show that are left is dealt out first, each of its images to the
part that lacks most of that class, of equal ones to the part that lacks most images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import is_labelled

Positions = NDArray[np.int64]
Labels = NDArray[np.int64]

_LEAST = 2
"""Labelled images that show a class at least, where there are so many."""


def drawn_validation(
    labels: Labels,
    classes: tuple[str, ...],
    share: float,
    rng: np.random.Generator,
    free: Positions,
    groups: Positions | None,
) -> Positions:
    """Validation images: a share of the labelled ones, stratified, whole groups of them.

    Args:
        labels: (n, c), 1 where an image shows a class.
        classes: Class names.
        share: Of the images.
        rng: Deals images out where nothing else decides.
        free: Positions (f,) that may be taken, all of which have labels.
        groups: (n,) as `split_train` takes them.

    Raises:
        DataError: A class is shown by no image; names it.
    """
    shown = labels[free] == 1  # (f, c)
    if len(missing := np.flatnonzero(~shown.any(axis=0))):
        raise DataError(
            f"class {classes[int(missing[0])]!r} is shown by no labelled image of the train part; "
            "add some images or remove the class"
        )
    if share <= 0:
        return free[:0]
    own = np.arange(len(free)) if groups is None else groups[free]
    _, unit = np.unique(own, return_inverse=True)  # (f,), which unit each image is of
    counts = np.zeros((int(unit.max()) + 1, len(classes)), dtype=np.int64)
    np.add.at(counts, unit, shown)
    sizes = np.bincount(unit)
    taken = stratified(counts, sizes, share, rng)  # (u,)
    for c in np.flatnonzero(~(counts[~taken] > 0).any(axis=0)):  # each class is trained on, too
        showing = np.flatnonzero(counts[:, c] > 0)
        taken[showing[sizes[showing].argmin()]] = False
    return free[taken[unit]]


def drawn_labelled(
    labels: Labels, protocol: Protocol, rng: np.random.Generator, free: Positions, total: int
) -> Positions:
    """Labelled images within the budget of the protocol.

    A share is one of `total`, stratified, with two images at least that show a class where there
    are two. A count for each class is reached class by class, the rarest first; an image that shows
    several counts for each of them. Images that show none count as one class more.

    Args:
        labels: (n, c), 1 where an image shows a class.
        protocol: Gives the budget.
        rng: Deals images out where nothing else decides.
        free: Positions (f,) that may be taken.
        total: Labelled images of the train part, of which validation was taken.
    """
    shown = labels[free] == 1  # (f, c)
    if protocol.per_class:
        none = ~shown.any(axis=1, keepdims=True)
        wanted, chosen = protocol.per_class, np.zeros(len(free), dtype=bool)
        shown = np.concatenate([shown, none], axis=1)  # (f, c + 1)
    else:
        share = min(float(protocol.labelled) * total / max(len(free), 1), 1.0)
        each = np.ones(len(free), dtype=np.int64)
        wanted, chosen = _LEAST, stratified(shown.astype(np.int64), each, share, rng)
    for c in np.argsort(shown.sum(axis=0), kind="stable").tolist():
        order = rng.permutation(np.flatnonzero(shown[:, c] & ~chosen))
        lack = wanted - int((shown[:, c] & chosen).sum())
        chosen[order[: max(lack, 0)]] = True
    return free[chosen]


def stratified(
    counts: Labels, sizes: Positions, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which of some units of images are taken, so that about a share of each class is.

    Args:
        counts: (u, c), images of each unit that show each class.
        sizes: (u,), images of each unit.
        share: Of the images to be taken, 0..1.
        rng: Orders units, and decides between parts that lack equally much.
    """
    parts = np.array([share, 1 - share])  # taken, and not
    lacks = parts[:, None] * counts.sum(axis=0)  # (2, c)
    images = parts * sizes.sum()  # (2,)
    order = rng.permutation(len(counts))
    toss = rng.integers(0, 2, size=len(counts))
    taken = np.zeros(len(counts), dtype=bool)
    left = np.ones(len(counts), dtype=bool)
    there = (counts > 0).sum(axis=0)  # (c,), units that show each class and are left

    def deal(unit: int, lack: NDArray[np.float64]) -> None:
        part = int(toss[unit])
        for levels in (lack, images):
            if abs(levels[0] - levels[1]) > 1e-9:  # equal ones are so up to rounding
                part = int(levels.argmax())
                break
        taken[unit], left[unit] = part == 0, False
        lacks[part] -= counts[unit]
        images[part] -= sizes[unit]
        there[counts[unit] > 0] -= 1

    while there.any():
        rarest = int(np.where(there > 0, there, len(counts) + 1).argmin())
        for unit in order[left[order] & (counts[order, rarest] > 0)].tolist():
            deal(unit, lacks[:, rarest])
    for unit in order[left[order]].tolist():  # those that show no class
        deal(unit, images)
    return taken


def drawn_probe(
    labels: Labels,
    labelled: Positions,
    size: int,
    rng: np.random.Generator,
    groups: Positions | None,
) -> Positions:
    """At most `size` labelled images, the classes taking turns as in `draw_probe`.

    Each class in turn takes an image that shows it and was not taken; those that show none count as
    one class more. Where two of every class are too many, a random subset of size/2 classes takes.

    Args:
        labels: (n, c), 1 where an image shows a class.
        labelled: Positions of the labelled part.
        size: Number of images at most.
        rng: Orders classes and images.
        groups: (n,); of each group one image is taken.
    """
    if not is_labelled(labels[labelled]).all():
        raise ValueError("the labelled part holds images without a label")
    pool = rng.permutation(labelled)
    if groups is not None:
        pool = pool[np.sort(np.unique(groups[pool], return_index=True)[1])]
    shown = labels[pool] == 1  # (p, c)
    shown = np.concatenate([shown, ~shown.any(axis=1, keepdims=True)], axis=1)  # (p, c + 1)
    present = np.flatnonzero(shown.any(axis=0))
    if 2 * len(present) > size:
        present = np.sort(rng.permutation(present)[: max(size // 2, 1)])
    queues = [iter(np.flatnonzero(shown[:, c]).tolist()) for c in present]
    chosen: dict[int, None] = {}
    while queues and len(chosen) < size:
        going = []
        for queue in queues:
            image = next((i for i in queue if i not in chosen), None)
            if image is not None and len(chosen) < size:
                chosen[image] = None
                going.append(queue)
        queues = going
    return np.sort(pool[list(chosen)])
