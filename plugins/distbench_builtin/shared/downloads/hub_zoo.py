"""A zoo in a repository of the Hub: its manifest, then the files that it lists."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from distbench import Download, HubFiles, WeightsError, hub_name, parse_toml

MANIFEST = "zoo.toml"


@dataclass
class HubZooFiles(Download):
    """What `hub` zoos are read from, all of one commit.

    Args:
        repository: ``org/name``, perhaps with ``@revision``.
    """

    repository: str

    def __post_init__(self) -> None:
        self.what = f"zoo {self.repository} of the Hub"

    def destination(self) -> Path:
        """The Hub's own cache."""
        return self._manifest().destination()

    def folder(self) -> Path:
        """Where it lies on this machine.

        Raises:
            WeightsError: It does not.
        """
        folder = self._manifest().folder()
        if folder is None:
            raise WeightsError(f"{self.what} is not on this machine")
        return folder

    def origin(self) -> dict[str, str]:
        """Repository and commit."""
        return {"repository": self.repository.partition("@")[0], "revision": self.folder().name}

    def commit(self) -> str | None:
        """The commit that it is of here."""
        return self._manifest().commit()

    def present(self) -> bool:
        """Whether the manifest and all that it lists are on this machine."""
        return self._manifest_holds() and not self._lacking()

    def missing_bytes(self) -> int | None:
        """How much has still to come; None before the manifest is here.

        Raises:
            RefusedError: The Hub cannot be reached, or has no such zoo.
        """
        if not self._manifest_holds():
            self._manifest().missing_bytes()  # says now what it would say later
            return None
        return self._weights().missing_bytes()

    def fetch(self, progress: Callable[[int], None]) -> None:
        """Gets it into the Hub's own cache.

        Raises:
            RefusedError: It cannot be had, or lists files outside of its folder.
        """
        self._manifest().fetch(progress)
        self._weights().fetch(progress)
        if lacking := self._lacking():
            raise WeightsError(f"{self.what} lists {lacking[0]!r}, which it does not have")

    def _manifest_holds(self) -> bool:
        """Whether the manifest is on this machine and can be read."""
        try:
            return self._manifest().present() and bool(self._listed())
        except WeightsError:  # a later commit may have mended it
            return False

    def _lacking(self) -> list[str]:
        """What the manifest lists and is not on this machine."""
        folder = self.folder()
        return [name for name in self._listed() if not (folder / name).is_file()]

    def _manifest(self) -> HubFiles:
        name = hub_name(self.repository, "zoo hub")
        return HubFiles(self.what, name.repository, name.revision, (MANIFEST,), kind="model")

    def _weights(self) -> HubFiles:
        """The files that the manifest lists, at its commit."""
        names = tuple(glob.escape(name) for name in self._listed())
        at = self.origin()
        return HubFiles(self.what, at["repository"], at["revision"], names, kind="model")

    def _listed(self) -> list[str]:
        """Names of the files that the manifest lists.

        Raises:
            WeightsError: It is no manifest, or one of them lies outside of the folder.
        """
        file = self.folder() / MANIFEST
        try:
            models = parse_toml(file.read_bytes())["models"]
            names = [name for model in models for name in _files(model)]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WeightsError(f"{self.what}: its {MANIFEST} is no list of models") from None
        for name in names:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
                raise WeightsError(
                    f"{self.what}: its {MANIFEST} names a file {name!r} outside of its folder"
                )
        return names


def _files(model: dict[str, Any]) -> Iterator[str]:
    """The file of a model, and those beside it that hold its weights."""
    yield str(model["file"])
    within = PurePosixPath(str(model["file"])).parent
    yield from (str(within / name) for name in model.get("weights_sha256", {}))
