"""Where a task of the papers can be had, and how it is read from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from distbench import DataError, Download, home
from distbench_builtin.shared.caching.file_digests import file_digests
from distbench_builtin.shared.downloads.archive import Archive, Piece
from distbench_builtin.shared.hub_data import columns as _hub_data
from distbench_builtin.shared.hub_data.columns import HubDataSet
from distbench_builtin.shared.hub_data.contents import hub_contents
from distbench_builtin.shared.hub_data.rows import open_splits
from distbench_builtin.shared.images.pool import Pool, joined, of_one_class
from distbench_builtin.shared.images.torchvision_sets import archive, open_set

Splits = Mapping[str, tuple[str, ...]]
"""Part of a task to the splits of an origin that make it up."""


class Mirror(Protocol):
    """One place that has a task."""

    @property
    def key(self) -> str:
        """By what a user chooses it."""

    @property
    def page(self) -> str:
        """Where a person can look at it."""

    def download(self, title: str) -> Download:
        """What is fetched."""

    def folder(self) -> Path | None:
        """Where it lies on this machine; None where it does not, or not whole."""

    def pools(self, folder: Path) -> dict[str, Pool]:
        """The images of each part, with the classes as the mirror spells them.

        Raises:
            DataError: It cannot be read.
        """

    def identity(self, folder: Path) -> object:
        """What the images are known by, JSON-able: a commit, or checksums."""


@dataclass(frozen=True)
class HubMirror:
    """A data set of the Hugging Face Hub.

    Attributes:
        repository: ``org/name``.
        splits: Which of its splits make up which part.
        revision: Full commit, where it is known.
        config: Its configuration, where there are several.
        image: Column of the images; found by its type if not given.
        label: Column of the classes; found by its type if not given.
        several: Whether images that show several classes have them all; else they have no label.
        patterns: Which files are fetched.
        size: Bytes, about.
    """

    repository: str
    splits: Splits
    revision: str | None = None
    config: str | None = None
    image: str | None = None
    label: str | None = None
    several: bool = False
    patterns: tuple[str, ...] = ("*",)
    size: int | None = None

    @property
    def key(self) -> str:  # noqa: D102
        return self.repository

    @property
    def page(self) -> str:  # noqa: D102
        return f"https://huggingface.co/datasets/{self.repository}"

    def download(self, title: str) -> HubDataSet:  # noqa: D102
        return HubDataSet(
            f"{title} ({self.repository} on the Hub)",
            self.repository,
            self.revision,
            self.patterns,
            size=self.size,
            splits=tuple(_stub(s) for names in self.splits.values() for s in names),
        )

    def folder(self) -> Path | None:  # noqa: D102
        data = self.download(self.repository)
        return data.folder() if data.present() else None

    def pools(self, folder: Path) -> dict[str, Pool]:  # noqa: D102
        what = f"data set {self.repository}"
        opened, features = open_splits(folder, self.config, what, self.identity(folder))
        image = _hub_data.image_column(features, self.image, what)
        label = _hub_data.label_column(features, self.label, what)
        key = {"origin": self.identity(folder), "config": self.config, "column": image}
        pools = {}
        for part, splits in self.splits.items():
            if lack := [split for split in splits if split not in opened]:
                raise DataError(f"{what} has no split {lack[0]!r}, only {', '.join(opened)}")
            one = []
            for split in splits:
                rows, start = opened[split], f"{split}-"
                contents = hub_contents(rows, image, {**key, "split": split})
                pool = _hub_data.pool_of(
                    rows, features, image, label, names_from=start, contents=contents
                )
                one.append(pool if self.several else of_one_class(pool))
            pools[part] = joined(one)
        return pools

    def identity(self, folder: Path) -> object:  # noqa: D102
        return [self.repository, folder.name]


def _stub(split: str) -> str:
    """What the names of a split's files have in them: ``val`` stands in ``validation`` too."""
    return "val" if split == "validation" else split


@dataclass(frozen=True)
class TorchvisionMirror:
    """A data set that torchvision reads, from its official archives.

    Attributes:
        name: Torchvision's class.
        splits: Which of its splits (train, test, validation) make up which part.
    """

    name: str
    splits: Splits

    @property
    def key(self) -> str:  # noqa: D102
        return f"torchvision-{self.name}"

    @property
    def page(self) -> str:  # noqa: D102
        return f"https://pytorch.org/vision/stable/generated/torchvision.datasets.{self.name}.html"

    def download(self, title: str) -> Archive:  # noqa: D102
        return archive(self.name)

    def folder(self) -> Path | None:  # noqa: D102
        download = self.download(self.name)
        return download.place if download.present() else None

    def pools(self, folder: Path) -> dict[str, Pool]:  # noqa: D102
        pools = open_set(self.name, folder)[1]
        return {part: joined([pools[s] for s in splits]) for part, splits in self.splits.items()}

    def identity(self, folder: Path) -> object:  # noqa: D102
        pieces = self.download(self.name).pieces
        return [self.key, [[piece.file, piece.digest] for piece in pieces]]


@dataclass(frozen=True)
class Official:
    """The data set as its authors give it away.

    Attributes:
        name: Folder below ``$DISTBENCH_HOME/data``.
        page: Where a person can look at it.
        reader: From the folder to the images of each part.
        pieces: What is fetched.
        by_hand: What to do where a person has to fetch it.
        size: Bytes, about.
    """

    name: str
    page: str
    reader: Callable[[Path], dict[str, Pool]]
    pieces: tuple[Piece, ...] = ()
    by_hand: str | None = None
    size: int | None = field(default=None)

    @property
    def key(self) -> str:  # noqa: D102
        return "official"

    def place(self) -> Path:
        """Where it is unpacked."""
        return home() / "data" / self.name

    def download(self, title: str) -> Archive:  # noqa: D102
        hint = self.by_hand and self.by_hand.format(place=self.place(), data=self.place().parent)
        return Archive(f"{title} (official)", self.place(), self.pieces, hint, self.size)

    def folder(self) -> Path | None:  # noqa: D102
        return self.place() if self.place().is_dir() else None

    def pools(self, folder: Path) -> dict[str, Pool]:  # noqa: D102
        return self.reader(folder)

    def identity(self, folder: Path) -> object:  # noqa: D102
        if self.by_hand is not None:
            return of_files(folder)
        return [self.key, [[piece.file, piece.digest] for piece in self.pieces]]


def of_files(folder: Path) -> object:
    """What the files of a folder are known by, however they came there: names and digests."""
    root = folder.absolute()
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return [[file.relative_to(root).as_posix() for file in files], file_digests(root, files)]
