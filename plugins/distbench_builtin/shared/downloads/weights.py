"""Weights of the Hugging Face Hub and of PyTorch's own cache: where they lie, and getting them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from distbench import DataError, Download, HubFiles, UrlFile, WeightsError
from distbench_builtin.shared.caching.file_digests import file_digest

_HASH = re.compile(r"-([0-9a-f]{8,64})\.")
"""In the names of files: how their SHA-256 begins."""


@dataclass
class HubWeights(Download):
    """The weights in a repository of the Hub: the first of some names that it has.

    Args:
        what: What they are, for people.
        repository: ``org/name``, perhaps with ``@revision``.
        files: Names that they may have, the preferred one first.
        also: Files that are needed besides.
    """

    what: str
    repository: str
    files: tuple[str, ...]
    also: tuple[str, ...] = ()

    def destination(self) -> Path:
        """The Hub's own cache."""
        return self._holding(self.files[0]).destination()

    def folder(self) -> Path | None:
        """Where the repository lies on this machine; contacts nothing."""
        return self._holding(self.files[0]).folder()

    def find(self) -> Path | None:
        """The weights on this machine, if all that is needed is there; contacts nothing."""
        folder = self.folder()
        if folder is None or not all((folder / name).is_file() for name in self.also):
            return None
        files = (folder / name for name in self.files)
        return next((file for file in files if file.is_file()), None)

    def present(self) -> bool:
        """Whether all of it is on this machine."""
        return self.find() is not None

    def missing_bytes(self) -> int | None:
        """How much has still to come; asks the Hub.

        Raises:
            RefusedError: The Hub cannot be reached, or has no such file.
        """
        if self.present():
            return 0
        sizes = [item.missing_bytes() or 0 for item in self._wanted()]
        return sum(sizes)

    def fetch(self, progress: Callable[[int], None]) -> None:
        """Gets it into the Hub's own cache.

        Raises:
            RefusedError: It cannot be had.
        """
        for item in self._wanted():
            item.fetch(progress)

    def _wanted(self) -> list[HubFiles]:
        """What has to be asked for, the weights under the first name that the Hub has."""
        rest = [self._holding(name) for name in self.also]
        folder = self.folder()
        for name in self.files:
            if folder is not None and (folder / name).is_file():
                return rest
            item = self._holding(name)
            if item.missing_bytes():
                return [item, *rest]
        raise DataError(
            f"cannot get {self.what}: https://huggingface.co/{self.repository} has no "
            f"{' or '.join(self.files)}"
        )

    def _holding(self, name: str) -> HubFiles:
        repository, _, revision = self.repository.partition("@")
        return HubFiles(self.what, repository, revision or None, (name,), kind="model")


@dataclass
class HashedFile(UrlFile):
    """A file whose name tells how its SHA-256 begins, as PyTorch names its weights."""

    def __post_init__(self) -> None:
        if promised := _HASH.search(self.path.name):
            self.digest = f"sha256:{promised[1]}"

    def find(self) -> Path | None:
        """The file, if it is on this machine.

        Raises:
            WeightsError: It is damaged.
        """
        if not self.path.is_file():
            return None
        if wrong := misnamed(self.path):
            raise WeightsError(f"{self.path} is damaged: it {wrong}; delete it and fetch it again")
        return self.path


def torch_file(url: str, what: str) -> HashedFile:
    """The file that PyTorch's own cache keeps of an address."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    folder = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    name = Path(urlparse(url).path).name
    return HashedFile(what, url, folder / "hub" / "checkpoints" / name)


def published(
    hub: str | None, files: Sequence[str], url: str | None, what: str
) -> HubWeights | HashedFile | None:
    """Weights that their makers published: on the Hub, else under an address of their own.

    Args:
        hub: Repository, perhaps with ``@revision``.
        files: Names that the weights may have there, the preferred one first.
        url: The address.
        what: What they are, for people.
    """
    if hub:
        return HubWeights(what, hub, tuple(files))
    return torch_file(url, what) if url else None


def misnamed(file: Path) -> str | None:
    """How a file differs from what its name says of it.

    Raises:
        OSError: It cannot be read.
    """
    promised = _HASH.search(file.name)
    if promised is None:
        return None
    actual = file_digest(file)
    if actual.startswith(promised[1]):
        return None
    return f"has SHA-256 {actual[: len(promised[1])]}... instead of {promised[1]}..."
