"""Which rows of the attribute tables are the classes of which dataset."""

from __future__ import annotations

from functools import cache

from .bits import Bits, digest
from .catalogue import DATASETS, FAMILIES, SLICES, DatasetSpec, Group
from .family import Family

RowKey = tuple[str, ...]
_TRIES = 60_000
_BATCH = 1_000


def spec_of(dataset: str) -> DatasetSpec:
    """Look up a dataset.

    Raises:
        ValueError: The suite has no dataset of that name.
    """
    try:
        return DATASETS[dataset]
    except KeyError:
        known = ", ".join(DATASETS)
        raise ValueError(f"unknown mini dataset {dataset!r}; known datasets: {known}") from None


def slice_of(family: Family, row: RowKey) -> str:
    """The slice a row of a family's table belongs to, for all datasets and for ever."""
    pairs = [f"{name}={value}" for name, value in zip(family.attributes, row, strict=True)]
    return SLICES[digest(family.name, *pairs) % len(SLICES)]


def _differences(one: RowKey, two: RowKey) -> int:
    return sum(a != b for a, b in zip(one, two, strict=True))


def _draw_rows(spec: DatasetSpec, position: int, group: Group, used: set[RowKey]) -> list[RowKey]:
    """Draw the rows of one group by seeded trial, keeping to its slice and its spread."""
    family = FAMILIES[group.family]
    fixed = dict(group.fixed)
    lead = list(family.attributes).index(family.lead)
    values = len(family.attributes[family.lead])
    most = -(-group.n_classes // values)
    bits = Bits(_BATCH, "classes", spec.name, position)
    rows: list[RowKey] = []
    for _ in range(_TRIES // _BATCH):
        columns = [
            [fixed.get(name, options[index]) for index in bits.choice(len(options)).tolist()]
            for name, options in family.attributes.items()
        ]
        for row in zip(*columns, strict=True):
            if (
                row not in used
                and all(_differences(row, other) >= group.apart for other in rows)
                and sum(other[lead] == row[lead] for other in rows) < most
                and family.allowed(dict(zip(family.attributes, row, strict=True)))
                and slice_of(family, row) == spec.slice
            ):
                rows.append(row)
            if len(rows) == group.n_classes:
                return rows
    raise RuntimeError(f"too few rows for {spec.name}, group {position}")


@cache
def class_rows(dataset: str) -> tuple[tuple[int, RowKey], ...]:
    """The classes of a dataset in label order.

    Args:
        dataset: Name of the dataset.

    Returns:
        For every class the position of its group in the dataset and its attribute values.

    Raises:
        ValueError: The suite has no dataset of that name.
    """
    spec = spec_of(dataset)
    used: dict[str, set[RowKey]] = {name: set() for name in FAMILIES}
    # Datasets of one slice share attribute tables but never a row: earlier ones choose first.
    for other in DATASETS.values():
        if other.name == dataset:
            break
        if other.slice == spec.slice:
            for position, row in class_rows(other.name):
                used[other.groups[position].family].add(row)
    classes: list[tuple[int, RowKey]] = []
    for position, group in enumerate(spec.groups):
        rows = _draw_rows(spec, position, group, used[group.family])
        used[group.family].update(rows)
        classes.extend((position, row) for row in rows)
    return tuple(classes)


@cache
def class_names(dataset: str) -> tuple[str, ...]:
    """Readable names of a dataset's classes in label order, made from their attributes.

    Args:
        dataset: Name of the dataset, a key of ``DATASETS``.

    Returns:
        One name per class, unique within the dataset.

    Raises:
        ValueError: The suite has no dataset of that name.
    """
    groups = spec_of(dataset).groups
    names = []
    for position, row in class_rows(dataset):
        family = FAMILIES[groups[position].family]
        audible = [value for value in row if value not in family.silent]
        prefix = family.name if family.prefix is None else family.prefix
        names.append("-".join([prefix, *audible] if prefix else audible))
    return tuple(names)
