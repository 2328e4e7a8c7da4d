"""Which images of train are labelled, unlabelled and validation: drawn by seed, never by method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from distbench.errors import DataError
from distbench.interfaces.groups import take_groups
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import UNLABELLED, Part, is_labelled
from distbench.planning.multi_split import drawn_labelled, drawn_probe, drawn_validation

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Positions in the train images, each part in ascending order.

    `labelled` is a subset of `unlabelled`: those images are used without their labels too.
    """

    labelled: Positions
    unlabelled: Positions
    validation: Positions


def split_train(
    labels: Positions,
    classes: tuple[str, ...],
    protocol: Protocol,
    seed: int,
    given_validation: Positions | None = None,
    groups: Positions | None = None,
) -> Split:
    """Draws the parts of one task for one seed.

    Validation is carved first, stratified: `protocol.validation` of each class and at least one
    image, but never so much that fewer than two of its images are left. Then the label budget is
    drawn from the rest: a share of each class rounded, at least two images where there are two,
    or a count. Where an image may show several classes, both are drawn as
    `distbench.planning.multi_split` says.

    Args:
        labels: (n,), `UNLABELLED` where the class is not known; (n, c) of images that may show
            several classes.
        classes: Class names.
        protocol: Gives the label budget and the share of validation.
        seed: From (suite, task, seed).
        given_validation: Positions of the task's own validation part, if it has one.
        groups: (n,) numbers of the groups that images belong to, which are not divided between
            validation and the rest; None where each stands for itself.

    Raises:
        DataError: A class would have no labelled image; names it.
    """
    rng = np.random.default_rng(seed)
    given = np.zeros(0, dtype=np.int64) if given_validation is None else given_validation
    apart = np.zeros(len(labels), dtype=bool)
    apart[given] = True
    if labels.ndim == 2:
        return _split_several(labels, classes, protocol, rng, apart, groups)
    orders: list[Positions] = []
    for number, name in enumerate(classes):
        orders.append(rng.permutation(np.flatnonzero((labels == number) & ~apart)))
        if len(orders[-1]) == 0:
            raise DataError(
                f"class {name!r} has no labelled image in the train part; "
                "add some images or remove the class"
            )
    held = [0 if len(given) else _held(protocol.validation, len(own)) for own in orders]
    validation: list[Positions] = [given]
    if groups is None:
        validation += [own[:count] for own, count in zip(orders, held, strict=True)]
        rests = [own[count:] for own, count in zip(orders, held, strict=True)]
    else:
        keep = [min(2, len(own)) for own in orders]
        drawn = take_groups([own.tolist() for own in orders], held, groups.tolist(), keep)
        taken = np.array(sorted(drawn), dtype=np.int64)
        validation.append(taken)
        rests = [own[~np.isin(own, taken)] for own in orders]
        apart |= np.isin(groups, groups[taken])  # images without a label that belong to them, too
    labelled = [
        rest[: protocol.per_class or max(2, round(float(protocol.labelled) * len(own)))]
        for own, rest in zip(orders, rests, strict=True)
    ]
    validated = np.sort(np.concatenate(validation)).astype(np.int64)
    apart[validated] = True
    return Split(
        labelled=np.sort(np.concatenate(labelled)).astype(np.int64),
        unlabelled=np.flatnonzero(~apart).astype(np.int64),
        validation=validated,
    )


def _split_several(
    labels: Positions,
    classes: tuple[str, ...],
    protocol: Protocol,
    rng: np.random.Generator,
    apart: NDArray[np.bool_],
    groups: Positions | None,
) -> Split:
    """The parts where labels are (n, c); `apart` are the images of a given validation part."""
    known = is_labelled(labels)
    given = np.flatnonzero(apart)
    free = np.flatnonzero(known & ~apart)
    share = 0.0 if len(given) else protocol.validation
    drawn = drawn_validation(labels, classes, share, rng, free, groups)
    if groups is not None:
        apart |= np.isin(groups, groups[drawn])  # images without a label that belong to them, too
    validated = np.sort(np.concatenate([given, drawn])).astype(np.int64)
    apart[validated] = True
    rest = np.flatnonzero(known & ~apart)
    return Split(
        labelled=drawn_labelled(labels, protocol, rng, rest, len(free)),
        unlabelled=np.flatnonzero(~apart).astype(np.int64),
        validation=validated,
    )


def joined_groups(parts: Sequence[Part]) -> Positions | None:
    """Groups of the images of several parts, one after the other; None where no part has any."""
    if all(part.groups is None for part in parts):
        return None
    known = [-1 if part.groups is None else int(part.groups.max(initial=-1)) for part in parts]
    start = max(known) + 1
    joined: list[Positions] = []
    for part in parts:
        if part.groups is None:
            joined.append(np.arange(start, start + len(part), dtype=np.int64))
            start += len(part)
        else:
            joined.append(part.groups.astype(np.int64))
    return np.concatenate(joined)


def _held(share: float, count: int) -> int:
    """Validation images of a class: at least one where three are there, leaving two to train on."""
    wanted = max(round(share * count), 1 if share > 0 else 0)
    return min(wanted, max(count - 2, 0))


def draw_probe(
    labels: Positions,
    labelled: Positions,
    size: int,
    seed: int,
    groups: Positions | None = None,
) -> Positions:
    """Positions of the probe: balanced, at most `size`, at least two a class where there are.

    Where even two of every class are too many, a random subset of size/2 classes is used (the
    rule of PARC, Bolya et al., NeurIPS 2021).

    Args:
        labels: (n,) labels of all train images; (n, c) of images that may show several classes.
        labelled: Positions of the labelled part.
        size: Number of images at most.
        seed: From (suite, task, seed, "probe").
        groups: (n,) of all train images, as `split_train` takes them. Of each group one image is
            taken, since a metric that compares an image with its own copy is deceived; more only
            where a class has no two groups.
    """
    if labels.ndim == 2:
        return drawn_probe(labels, labelled, size, np.random.default_rng(seed), groups)
    if UNLABELLED in labels[labelled]:
        raise ValueError("the labelled part holds images without a label")
    rng = np.random.default_rng(seed)
    present = np.unique(labels[labelled])
    if 2 * len(present) > size:
        present = np.sort(rng.permutation(present)[: max(size // 2, 1)])
    queues = [rng.permutation(labelled[labels[labelled] == c]) for c in present]
    if groups is not None:
        queues = [_one_of_each(queue, groups[queue]) for queue in queues]
    turns = chain.from_iterable(zip_longest(*(queue.tolist() for queue in queues)))
    chosen = islice((position for position in turns if position is not None), size)
    return np.sort(np.array(list(chosen), dtype=np.int64))


def _one_of_each(queue: Positions, groups: Positions) -> Positions:
    """The first image of each group in their order, and others until there are two."""
    first = np.sort(np.unique(groups, return_index=True)[1])
    others = np.setdiff1d(np.arange(len(queue)), first)
    kept: Positions = queue[np.concatenate([first, others[: max(2 - len(first), 0)]])]
    return kept
