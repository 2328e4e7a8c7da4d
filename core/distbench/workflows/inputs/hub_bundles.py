"""The bundles of a dataset repository of the Hugging Face Hub, as of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from distbench.errors import RefusedError
from distbench.storage.network.downloads import free_space, hub_offline, readable
from distbench.storage.network.hub import HubFiles
from distbench.storage.network.hub_names import hub_name
from distbench.submission.bundle import SUFFIX
from distbench.submission.limits import FILE_BYTES

PREFIX = "hub:"
"""Before ``ORG/DATASET[@REVISION]``, where a path could stand."""


class HubBundles(NamedTuple):
    """What a repository holds.

    Attributes:
        name: The repository at its commit, as one would type it.
        folder: Where its files lie on this machine.
        files: Its bundles.
        left_out: Why others of its files were left out, one line each.
    """

    name: str
    folder: Path
    files: list[Path]
    left_out: list[str]

    @property
    def stated(self) -> str:
        """What was read, for a person."""
        count = len(self.files)
        return f"{self.name}: {count} {'bundle' if count == 1 else 'bundles'}, as of this commit"

    def naming(self, text: str) -> str:
        """A text in which bundles are called by repository and commit, not by where they lie."""
        return text.replace(str(self.folder), self.name)


def is_hub(path: Path) -> bool:
    """Whether a path stands for a repository of the Hub."""
    return str(path).startswith(PREFIX) and not path.exists()


def with_bundles(paths: Sequence[Path]) -> tuple[list[Path], list[HubBundles]]:
    """Files and folders on this machine in place of some paths, and what the Hub gave.

    Raises:
        UsageError: A path names no repository.
        RefusedError: Bundles cannot be had.
    """
    places: list[Path] = []
    given: list[HubBundles] = []
    for path in paths:
        if is_hub(path):
            given.append(hub_bundles(path))
            places += given[-1].files
        else:
            places.append(path)
    return places, given


def hub_bundles(path: Path) -> HubBundles:
    """Brings the bundles of a repository; offline those that were brought before.

    Args:
        path: ``hub:ORG/DATASET[@REVISION]``; without a revision the newest commit.

    Raises:
        UsageError: It names no repository.
        RefusedError: They cannot be had.
    """
    name = hub_name(str(path).removeprefix(PREFIX), str(path))
    files = HubFiles(
        f"bundles of {name.repository}",
        name.repository,
        name.revision,
        (f"*{SUFFIX}",),
        largest=FILE_BYTES,
    )
    left_out = []
    if hub_offline():
        if not files.present():
            raise RefusedError(
                f"{path} was not read before, and distbench is offline; read it once with a network"
            )
    else:
        left_out = [
            f"{PREFIX}{name.repository}/{one}: it is larger than the {readable(FILE_BYTES)} that "
            "a bundle may have"
            for one in files.left_out()
        ]
        if trouble := free_space(files.missing_bytes() or 0, files.destination()):
            raise RefusedError(f"cannot get {files.what}: {trouble}")
        files.fetch(lambda count: None)
    folder = files.folder()
    if folder is None:
        raise RefusedError(f"{path} is not whole after all was fetched; give the command again")
    at = f"{PREFIX}{name.repository}@{folder.name}"
    return HubBundles(at, folder, files.files(), left_out)
