"""Which images of train are labelled, unlabelled and validation: drawn by seed, never by method."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import UNLABELLED

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
) -> Split:
    """Draws the parts of one task for one seed.

    Validation is carved first, stratified: `protocol.validation` of each class and at least one
    image, but never so much that fewer than two of its images are left. Then the label budget is
    drawn from the rest: a share of each class rounded, at least two images where there are two,
    or a count.

    Args:
        labels: (n,), `UNLABELLED` where the class is not known.
        classes: Class names.
        protocol: Gives the label budget and the share of validation.
        seed: From (suite, task, seed).
        given_validation: Positions of the task's own validation part, if it has one.

    Raises:
        DataError: A class would have no labelled image; names it.
    """
    rng = np.random.default_rng(seed)
    given = np.zeros(0, dtype=np.int64) if given_validation is None else given_validation
    apart = np.zeros(len(labels), dtype=bool)
    apart[given] = True
    labelled: list[Positions] = []
    validation: list[Positions] = [given]
    for number, name in enumerate(classes):
        own = rng.permutation(np.flatnonzero((labels == number) & ~apart))
        if len(own) == 0:
            raise DataError(
                f"class {name!r} has no labelled image in the train part; "
                "add some images or remove the class"
            )
        held = 0 if len(given) else _held(protocol.validation, len(own))
        rest = own[held:]
        budget = protocol.per_class or max(2, round(float(protocol.labelled) * len(own)))
        validation.append(own[:held])
        labelled.append(rest[:budget])
    validated = np.sort(np.concatenate(validation)).astype(np.int64)
    apart[validated] = True
    return Split(
        labelled=np.sort(np.concatenate(labelled)).astype(np.int64),
        unlabelled=np.flatnonzero(~apart).astype(np.int64),
        validation=validated,
    )


def _held(share: float, count: int) -> int:
    """Validation images of a class: at least one where three are there, leaving two to train on."""
    wanted = max(round(share * count), 1 if share > 0 else 0)
    return min(wanted, max(count - 2, 0))


def draw_probe(labels: Positions, labelled: Positions, size: int, seed: int) -> Positions:
    """Positions of the probe: balanced, at most `size`, at least two a class where there are.

    Where even two of every class are too many, a random subset of size/2 classes is used (the
    rule of PARC, Bolya et al., NeurIPS 2021).

    Args:
        labels: (n,) labels of all train images.
        labelled: Positions of the labelled part.
        size: Number of images at most.
        seed: From (suite, task, seed, "probe").
    """
    if UNLABELLED in labels[labelled]:
        raise ValueError("the labelled part holds images without a label")
    rng = np.random.default_rng(seed)
    present = np.unique(labels[labelled])
    if 2 * len(present) > size:
        present = np.sort(rng.permutation(present)[: max(size // 2, 1)])
    queues = [rng.permutation(labelled[labels[labelled] == c]) for c in present]
    turns = chain.from_iterable(zip_longest(*(queue.tolist() for queue in queues)))
    chosen = islice((position for position in turns if position is not None), size)
    return np.sort(np.array(list(chosen), dtype=np.int64))
