"""The datasets of the embedded suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from . import birds, chest, glyphs, land, mammals, objects, skin, textures
from .family import Family

Role = Literal["target", "development", "source", "generalist"]

SLICES = ("targets-a", "targets-b", "sources", "generalist", "development", "spare")

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "birds": birds.FAMILY,
        "chest": chest.FAMILY,
        "glyphs": glyphs.FAMILY,
        "land": land.FAMILY,
        "mammals": mammals.FAMILY,
        "objects": objects.FAMILY,
        "skin": skin.FAMILY,
        "textures": textures.FAMILY,
    }
)


@dataclass(frozen=True)
class Group:
    """Classes of one family within a dataset.

    Attributes:
        family: Key of the family in ``FAMILIES``.
        n_classes: Number of classes.
        fixed: Attribute values that all classes of the group share.
        clutter: Whether unrelated shapes lie around and over the thing.
        apart: In how many attributes any two classes of the dataset must differ at least.
    """

    family: str
    n_classes: int
    fixed: tuple[tuple[str, str], ...] = ()
    clutter: bool = False
    apart: int = 2


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset of the suite.

    Attributes:
        name: Name of the dataset.
        role: What the dataset is for.
        slice: Part of every attribute table that its classes come from, one of ``SLICES``.
        groups: The classes, by family; more than one group makes a mixture.
    """

    name: str
    role: Role
    slice: str
    groups: tuple[Group, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return sum(group.n_classes for group in self.groups)


_CAT = (("species", "cat"),)
_DOG = (("species", "dog"),)

_SPECS = (
    DatasetSpec("cifar10", "target", "targets-a", (Group("objects", 10, clutter=True),)),
    DatasetSpec("cub", "target", "targets-a", (Group("birds", 20),)),
    DatasetSpec("chestx", "target", "targets-a", (Group("chest", 7),)),
    DatasetSpec("eurosat", "target", "targets-a", (Group("land", 10, apart=1),)),
    DatasetSpec("isic", "target", "targets-a", (Group("skin", 7),)),
    DatasetSpec("nabirds", "target", "targets-b", (Group("birds", 24),)),
    DatasetSpec(
        "pets",
        "target",
        "targets-a",
        (Group("mammals", 6, _CAT), Group("mammals", 10, _DOG)),
    ),
    DatasetSpec("dogs", "target", "targets-b", (Group("mammals", 20, _DOG),)),
    DatasetSpec("dev-objects", "development", "development", (Group("objects", 12, clutter=True),)),
    DatasetSpec("dev-birds", "development", "development", (Group("birds", 16),)),
    DatasetSpec("dev-land", "development", "development", (Group("land", 8, apart=1),)),
    DatasetSpec("dev-skin", "development", "development", (Group("skin", 7),)),
    DatasetSpec("source-birds", "source", "sources", (Group("birds", 24),)),
    DatasetSpec("source-dogs", "source", "sources", (Group("mammals", 24, _DOG),)),
    DatasetSpec("source-cats", "source", "sources", (Group("mammals", 16, _CAT),)),
    DatasetSpec("source-objects", "source", "sources", (Group("objects", 24),)),
    DatasetSpec("source-clutter", "source", "sources", (Group("objects", 16, clutter=True),)),
    DatasetSpec("source-textures", "source", "sources", (Group("textures", 24, apart=1),)),
    DatasetSpec("source-glyphs", "source", "sources", (Group("glyphs", 24),)),
    DatasetSpec(
        "general",
        "generalist",
        "generalist",
        (
            Group("objects", 12),
            Group("objects", 12, clutter=True),
            Group("birds", 8),
            Group("mammals", 6, _DOG),
            Group("mammals", 4, _CAT),
            Group("textures", 8, apart=1),
            Group("glyphs", 6),
        ),
    ),
)

DATASETS: Mapping[str, DatasetSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""Every dataset of the suite by name: targets, development tasks, sources, generalist."""
