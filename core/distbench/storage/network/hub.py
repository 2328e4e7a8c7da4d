"""Files of the Hugging Face Hub, as a download."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from distbench.errors import DataError
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import digest, file_digest, git_digest
from distbench.storage.home import home
from distbench.storage.network.downloads import Download, refuse_offline
from distbench.storage.network.http_transfer import TIMEOUT
from distbench.storage.network.hub_failures import hub_failure, page_of
from distbench.storage.network.hub_names import is_commit, stays_inside
from distbench.storage.system.disk import is_of_disk, naming_file

_SPARE = 2**26
"""Bytes beyond twice a file that may come: what is sent in chunks has more about it, and what was
cut may begin anew."""


class _EndlessError(ValueError):
    """A server sends far more than a file has."""


@dataclass
class HubFiles(Download):
    """Files of a repository of the Hugging Face Hub, kept in its own cache.

    They are of one commit. Where the revision is a branch, or is not said, that is the commit it
    stood for when they were fetched; it is kept until they are fetched anew.

    Args:
        what: What it is, for people.
        repository: ``org/name``.
        revision: Branch, tag or full commit.
        patterns: Which files, e.g. ``("data/*", "README.md")``.
        kind: ``dataset`` or ``model``.
        size: Bytes of all of them, if known.
        largest: Bytes beyond which a file is left out.
    """

    what: str
    repository: str
    revision: str | None = None
    patterns: tuple[str, ...] = ("*",)
    kind: str = "dataset"
    size: int | None = None
    largest: int | None = None
    _listed: list[Any] | None = field(default=None, repr=False)
    _head: str | None = field(default=None, repr=False)

    def destination(self) -> Path:  # noqa: D102
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE)

    def folder(self) -> Path | None:
        """Where the files lie on this machine, if the cache holds the revision; contacts nothing.

        The revision may be there without all of its files; `present` says whether they are.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        commit, _ = self._kept()
        for revision in (commit, self.revision) if commit else (self.revision,):
            try:
                return Path(
                    snapshot_download(
                        self.repository,
                        repo_type=self.kind,
                        revision=revision,
                        local_files_only=True,
                    )
                )
            except (LocalEntryNotFoundError, ValueError):
                continue
        return None

    def commit(self) -> str | None:
        """The commit that the files on this machine are of; None where none are here."""
        folder = self.folder()
        return None if folder is None else folder.name

    def present(self) -> bool:  # noqa: D102
        folder = self.folder()
        if folder is None:
            return False
        _, names = self._kept()
        if names is None:  # a cache that was filled by other means
            return all(any(folder.glob(pattern)) for pattern in self.patterns)
        return all((folder / name).is_file() for name in names)

    def files(self) -> list[Path]:
        """The files on this machine, by name."""
        folder, (_, names) = self.folder(), self._kept()
        return [] if folder is None else [folder / name for name in sorted(names or ())]

    def _record(self) -> Path:
        """Keeps commit and names, so that a cache that lost some files is told from a whole one."""
        own = digest([self.kind, self.repository, self.revision, self.patterns])
        return home() / "fetched" / f"{own}.json"

    def _kept(self) -> tuple[str | None, list[str] | None]:
        """The commit and the names of all files of it, as they were fetched."""
        try:
            kept = from_json(self._record().read_bytes())
        except (OSError, ValueError):
            return None, None
        if isinstance(kept, list):  # as it was written before commits were
            return None, kept
        return kept["commit"], kept["names"]

    def missing_bytes(self) -> int | None:  # noqa: D102
        return sum(entry.size or 0 for entry in self._list() if not self._held(entry.rfilename))

    def left_out(self) -> list[str]:
        """The files on the server that are larger than the largest that is taken, by name."""
        return [entry.rfilename for entry in self._matching() if not self._fits(entry)]

    def fetch(self, progress: Callable[[int], None]) -> None:  # noqa: D102
        entries = self._list()
        if not entries:
            raise self._refused(ValueError(f"it has no file such as {' or '.join(self.patterns)}"))
        # Written first: what is cut off must not pass for whole.
        names = [entry.rfilename for entry in entries]
        write_atomic(self._record(), json.dumps({"commit": self._head, "names": names}))
        for entry in entries:
            held = self._held(entry.rfilename)
            file = self._get(entry, progress)
            if not held:
                self._check(entry, file)
            if self._head is not None and self._head not in file.parts:
                raise self._refused(ValueError("it was changed meanwhile; fetch again"))

    def _get(self, entry: Any, progress: Callable[[int], None]) -> Path:
        """Brings a file into the Hub's cache, the rest of it where a part is there."""
        from huggingface_hub import hf_hub_download
        from tqdm import tqdm

        class Told(tqdm):  # type: ignore[misc]
            """Shows nothing, passes on what it is told, and ends what does not end by itself."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs.pop("name", None)  # of the Hub's own class
                self.came = kwargs.get("initial") or 0
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                self.came += n or 0
                if entry.size is not None and self.came > 2 * entry.size + _SPARE:
                    raise _EndlessError(
                        f"of {entry.rfilename} far more comes than the {entry.size} bytes it has"
                    )
                progress(int(n or 0))
                return None

        try:
            return Path(
                hf_hub_download(
                    self.repository,
                    entry.rfilename,
                    repo_type=self.kind,
                    revision=self.revision,
                    tqdm_class=Told,
                )
            )
        except _EndlessError as error:
            self._forget_part(entry)
            raise self._refused(error) from None
        except OSError as error:
            if is_of_disk(error):
                with naming_file(self.destination()):
                    raise
            raise self._refused(error) from None
        except Exception as error:  # HTTP, network and checksum errors of several libraries
            raise self._refused(error) from None

    def _forget_part(self, entry: Any) -> None:
        """Throws away what came of a file, so that it is not gone on with."""
        from huggingface_hub.file_download import repo_folder_name

        name = repo_folder_name(repo_id=self.repository, repo_type=self.kind)
        own = entry.lfs.sha256 if entry.lfs else entry.blob_id
        for part in (self.destination() / name / "blobs").glob(f"{own}*.incomplete"):
            part.unlink(missing_ok=True)

    def _check(self, entry: Any, file: Path) -> None:
        """Holds a file that came against its digest in the list; a wrong one is thrown away."""
        for algorithm, wanted, actual in _digests(entry, file):
            if actual != wanted:
                file.resolve().unlink(missing_ok=True)
                file.unlink(missing_ok=True)
                raise self._refused(
                    ValueError(
                        f"{entry.rfilename} has {algorithm} {actual[:12]}... instead of "
                        f"{wanted[:12]}...; it was thrown away, fetch again"
                    )
                )

    def _held(self, name: str) -> bool:
        """Whether a file is in the cache."""
        from huggingface_hub import try_to_load_from_cache

        revision = self._head or self.revision
        place = try_to_load_from_cache(
            self.repository, name, repo_type=self.kind, revision=revision
        )
        return isinstance(place, str)

    def _list(self) -> list[Any]:
        """The files on the server that are taken, with sizes."""
        return [entry for entry in self._matching() if self._fits(entry)]

    def _fits(self, entry: Any) -> bool:
        return self.largest is None or (entry.size or 0) <= self.largest

    def _matching(self) -> Sequence[Any]:
        """The files on the server that match the patterns, with sizes and digests."""
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
            if not is_commit(listing.sha):
                raise self._refused(ValueError("the server does not say which commit it has"))
            entries = getattr(listing, "siblings", None) or ()
            for entry in entries:
                if not stays_inside(entry.rfilename):
                    raise self._refused(
                        ValueError(f"it names a file {entry.rfilename!r}, which leads elsewhere")
                    )
            self._head = listing.sha
            self._listed = [
                entry
                for entry in entries
                if any(fnmatch(entry.rfilename, pattern) for pattern in self.patterns)
            ]
        return self._listed

    def _refused(self, error: Exception) -> DataError:
        why = hub_failure(error, page_of(self.repository, self.kind))
        return DataError(f"cannot get {self.what}: {why}")


def _digests(entry: Any, file: Path) -> list[tuple[str, str, str]]:
    """The digest that the Hub lists of a file: its kind, what it should be, and what it is."""
    lfs = getattr(entry, "lfs", None)
    if lfs is not None:
        return [("SHA-256", lfs.sha256, file_digest(file))]
    blob = getattr(entry, "blob_id", None)
    if not blob:
        return []
    return [("git's digest", blob, git_digest(file.read_bytes()))]  # no large file is kept so
