"""Files of the Hugging Face Hub, as a download."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from distbench.errors import DataError, RefusedError
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import digest
from distbench.storage.home import home
from distbench.storage.network.downloads import Download, refuse_offline
from distbench.storage.network.http_transfer import TIMEOUT, failure
from distbench.storage.safe_text import harmless_text
from distbench.storage.system.disk import is_of_disk, naming_file


@dataclass
class HubFiles(Download):
    """Files of a repository of the Hugging Face Hub, kept in its own cache.

    Args:
        what: What it is, for people.
        repository: ``org/name``.
        revision: Branch, tag or full commit.
        patterns: Which files, e.g. ``("data/*", "README.md")``.
        kind: ``dataset`` or ``model``.
        size: Bytes of all of them, if known.
    """

    what: str
    repository: str
    revision: str | None = None
    patterns: tuple[str, ...] = ("*",)
    kind: str = "dataset"
    size: int | None = None
    _listed: list[Any] | None = field(default=None, repr=False)

    def destination(self) -> Path:  # noqa: D102
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE)

    def folder(self) -> Path | None:
        """Where the files lie on this machine, if the cache holds the revision; contacts nothing.

        The revision may be there without all of its files; `present` says whether they are.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(
                    self.repository,
                    repo_type=self.kind,
                    revision=self.revision,
                    local_files_only=True,
                )
            )
        except (LocalEntryNotFoundError, ValueError):
            return None

    def present(self) -> bool:  # noqa: D102
        folder = self.folder()
        if folder is None:
            return False
        try:
            names = from_json(self._record().read_bytes())
        except (OSError, ValueError):  # a cache that was filled by other means
            return all(any(folder.glob(pattern)) for pattern in self.patterns)
        return all((folder / name).is_file() for name in names)

    def _record(self) -> Path:
        """Keeps the names of all files, so that a cache that lost some is told from a whole one."""
        own = digest([self.kind, self.repository, self.revision, self.patterns])
        return home() / "fetched" / f"{own}.json"

    def missing_bytes(self) -> int | None:  # noqa: D102
        from huggingface_hub import try_to_load_from_cache

        total = 0
        for entry in self._list():
            held = try_to_load_from_cache(
                self.repository, entry.rfilename, repo_type=self.kind, revision=self.revision
            )
            total += 0 if isinstance(held, str) else entry.size or 0
        return total

    def fetch(self, progress: Callable[[int], None]) -> None:  # noqa: D102
        from huggingface_hub import hf_hub_download
        from tqdm import tqdm

        class Told(tqdm):  # type: ignore[misc]
            """Shows nothing, passes on what it is told."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs.pop("name", None)  # of the Hub's own class
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                progress(int(n or 0))
                return None

        entries = self._list()
        if not entries:
            raise self._refused(ValueError(f"it has no file such as {' or '.join(self.patterns)}"))
        # Written first: what is cut off must not pass for whole.
        write_atomic(self._record(), json.dumps([entry.rfilename for entry in entries]))
        for entry in entries:
            try:
                hf_hub_download(
                    self.repository,
                    entry.rfilename,
                    repo_type=self.kind,
                    revision=self.revision,
                    tqdm_class=Told,
                )
            except OSError as error:
                if is_of_disk(error):
                    with naming_file(self.destination()):
                        raise
                raise self._refused(error) from None
            except Exception as error:  # HTTP, network and checksum errors of several libraries
                raise self._refused(error) from None

    def _list(self) -> list[Any]:
        """The files on the server, with sizes."""
        from fnmatch import fnmatch

        refuse_offline(self.what)
        if self._listed is None:
            from huggingface_hub import HfApi

            try:
                listing = HfApi().repo_info(
                    self.repository,
                    repo_type=self.kind,
                    revision=self.revision,
                    files_metadata=True,
                    timeout=TIMEOUT,
                )
            except Exception as error:
                raise self._refused(error) from None
            self._listed = [
                entry
                for entry in getattr(listing, "siblings", None) or ()
                if any(fnmatch(entry.rfilename, pattern) for pattern in self.patterns)
            ]
        return self._listed

    def _refused(self, error: Exception) -> RefusedError:
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        page = f"https://huggingface.co/{'datasets/' if self.kind == 'dataset' else ''}"
        page += self.repository
        if isinstance(error, GatedRepoError):
            why = (
                f"{page} is gated: accept its terms there, then log in with `hf auth login` or set "
                "HF_TOKEN to a token that may read it"
            )
        elif isinstance(error, RepositoryNotFoundError):
            why = f"{page} is not there, or private; a token (HF_TOKEN) may be needed"
        else:
            why = f"{page}: {failure(error)}"
        return DataError(harmless_text(f"cannot get {self.what}: {why}"))
