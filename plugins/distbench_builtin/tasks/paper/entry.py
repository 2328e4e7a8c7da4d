"""What a task of the papers is: counts and classes to expect, and where its images lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from distbench import DataError
from distbench_builtin.shared.images.label_sets import joined
from distbench_builtin.shared.images.pool import Pool
from distbench_builtin.tasks.paper.mirrors import Mirror
from distbench_builtin.tasks.paper.names import canonical, spelled


@dataclass(frozen=True)
class PaperEntry:
    """One task.

    Attributes:
        title: For people.
        mirrors: Where it can be had; the first that is present is used.
        classes: Canonical names in their order; or only how many, where the origin names them.
        counts: Images of each part. ``all`` stands for a task without an official test split, or
            for the sum where only that is known.
        per_class: Images of each class in a part, in the order of `classes`; one number where
            they are the same.
        aliases: Other names of classes, by `names.key`.
        drops: Whether images of other classes, and images with several labels, are left out.
        share: Of each class for testing, where there is no official test split.
        seen_by: Data sets whose models have seen these images.
        licence: Terms of use.
    """

    title: str
    mirrors: tuple[Mirror, ...]
    classes: tuple[str, ...] | int
    counts: Mapping[str, int]
    per_class: Mapping[str, Sequence[int] | int] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False
    share: float = 0.2
    seen_by: tuple[str, ...] = ()
    licence: str = "unknown"


def named(entry: PaperEntry, pools: Mapping[str, Pool]) -> tuple[tuple[str, ...], dict[str, Pool]]:
    """Gives the classes their canonical names; labels are matched by name, never by number.

    Returns:
        Class names in the task's order, and the images with those names.

    Raises:
        DataError: A class is unknown; says which.
    """
    labelled = shown(pools.values())
    if isinstance(entry.classes, int):
        known = {name: canonical(name) for name in labelled}
        if len(set(known.values())) < len(known):
            known = {name: name for name in labelled}
        classes = tuple(sorted(known.values()))
    else:
        known, classes = spelled(labelled, entry.classes, entry.aliases), entry.classes
        if not entry.drops and (strange := sorted(labelled - set(known))):
            lack = [name for name in classes if name not in known.values()]
            raise DataError("; ".join(_some("unknown class", strange) + _some("none is", lack)))
    out = {}
    for part, pool in pools.items():
        labels = [_renamed(pool, label, known) for label in pool.labels]
        renamed = pool.relabelled(labels)
        if entry.drops:
            renamed = renamed.take([i for i, label in enumerate(labels) if label is not None])
        out[part] = renamed
    return classes, out


def _renamed(pool: Pool, label: str | None, known: Mapping[str, str]) -> str | None:
    """A label in canonical names; None where it has none, or none that is known."""
    if label is None or not pool.several:
        return known.get(label or "")
    return joined([known[name] for name in pool.names_in(label)])


def _some(what: str, names: Sequence[str]) -> list[str]:
    """A clause on some names; none where there are none."""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return [f"{what} {', '.join(map(repr, names[:4]))}{more}"] if names else []


def shown(pools: Iterable[Pool]) -> set[str]:
    """The classes that any of the images has."""
    return {name for pool in pools for label in pool.labels for name in pool.names_in(label)}


def differences(entry: PaperEntry, classes: Sequence[str], pools: Mapping[str, Pool]) -> list[str]:
    """What is otherwise than the table of expected counts says, one clause for each thing."""
    lines = []
    if isinstance(entry.classes, int) and entry.classes != len(classes):
        lines.append(f"{len(classes)} classes instead of {entry.classes}")
    present = shown(pools.values())
    lines += _some("no images of class", [name for name in classes if name not in present])
    for part, wanted in entry.counts.items():
        count = sum(map(len, pools.values())) if part == "all" else len(pools.get(part, ()))
        if count != wanted:
            where = "in all" if part == "all" else f"in {part}"
            lines.append(f"{count} images {where} instead of {wanted}")
    for part, numbers in entry.per_class.items():
        chosen = pools.values() if part == "all" else [pools[part]] if part in pools else []
        tally = Counter(n for pool in chosen for label in pool.labels for n in pool.names_in(label))
        each = [numbers] * len(classes) if isinstance(numbers, int) else numbers
        wrong = [
            f"{name} {tally[name]} instead of {count}"
            for name, count in zip(classes, each, strict=False)
            if tally[name] != count
        ]
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            lines.append(f"images a class in {part}: {', '.join(wrong[:3])}{more}")
    return lines
