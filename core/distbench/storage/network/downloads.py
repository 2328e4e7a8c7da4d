"""What components need from the network, and getting it: whole, checked, and resumable."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from distbench.errors import DataError
from distbench.storage.hashing import digest
from distbench.storage.home import home
from distbench.storage.network.http_transfer import Transfer
from distbench.storage.network.offline import offline
from distbench.storage.safe_text import harmless_text

LOCK_SECONDS = 3600.0
_BEGINNING = 8
"""Digits by which a digest is told from others."""


class Download(ABC):
    """Something that lies elsewhere.

    Attributes:
        what: What it is, for people.
        size: Bytes, as far as they are known without asking.
    """

    what: str
    size: int | None = None

    def destination(self) -> Path:
        """A folder on the disk that it goes to."""
        return home()

    @abstractmethod
    def present(self) -> bool:
        """Whether it is on this machine, whole; contacts nothing."""

    def commit(self) -> str | None:
        """The commit of which it is here, of what lies in a repository; None of other things."""
        return None

    @abstractmethod
    def missing_bytes(self) -> int | None:
        """How much has still to come; may ask the server. None where that cannot be known.

        Raises:
            RefusedError: It cannot be had; says why and what to do.
        """

    @abstractmethod
    def fetch(self, progress: Callable[[int], None]) -> None:
        """Gets it; goes on where an earlier attempt was cut off.

        Args:
            progress: Is called with the number of bytes of each piece that arrives.

        Raises:
            RefusedError: It cannot be had, or what came is not what was asked for.
        """


@dataclass
class UrlFile(Download):
    """A file under an address, with its checksum.

    Args:
        what: What it is, for people.
        url: Its address; or several, tried in order.
        path: Where it goes.
        size: Bytes, if known exactly.
        digest: ``"sha256:..."`` or ``"md5:..."``; or how it begins, by 8 digits or
            more.
    """

    what: str
    url: str | tuple[str, ...]
    path: Path
    size: int | None = None
    digest: str | None = None

    def destination(self) -> Path:  # noqa: D102
        return self.path.parent

    def present(self) -> bool:  # noqa: D102
        return self.path.is_file()

    def missing_bytes(self) -> int | None:  # noqa: D102
        if self.size is None:
            return None
        part = self._part()
        return max(0, self.size - (part.stat().st_size if part.is_file() else 0))

    def fetch(self, progress: Callable[[int], None]) -> None:  # noqa: D102
        refuse_offline(self.what)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.path, self.what):
            if not self.present():  # another process may have got it meanwhile
                self._from_any(progress)

    def _from_any(self, progress: Callable[[int], None]) -> None:
        failed = []
        for address in (self.url,) if isinstance(self.url, str) else self.url:
            try:
                return self._from(address, progress)
            except DataError as error:
                failed.append(f"{address}: {error}")
        raise DataError(harmless_text(f"cannot get {self.what}: {'; '.join(failed)}"))

    def _part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    def _from(self, address: str, progress: Callable[[int], None]) -> None:
        part = self._part()
        resumed = part.is_file()
        transfer = Transfer(
            address, part, size=self.size, checked=bool(self.digest), progress=progress
        )
        transfer.run()
        if self._wrong(part) and resumed:  # perhaps for what was there before
            transfer.discard()
            transfer.run()
        if wrong := self._wrong(part):
            transfer.discard()
            raise DataError(f"what came {wrong}; it was thrown away")
        part.replace(self.path)

    def _wrong(self, file: Path) -> str | None:
        if self.size is not None and file.stat().st_size != self.size:
            return f"has {file.stat().st_size} bytes instead of {self.size}"
        if self.digest:
            algorithm, _, wanted = self.digest.partition(":")
            with file.open("rb") as stream:
                actual = hashlib.file_digest(stream, algorithm).hexdigest()
            if actual != wanted and not (len(wanted) >= _BEGINNING and actual.startswith(wanted)):
                return f"has {algorithm} {actual[: len(wanted)]} instead of {wanted}"
        return None


@dataclass
class Manual(Download):
    """Something that nobody but the user may get.

    Args:
        what: What it is, for people.
        how: What to do: where to get it, where to put it.
        check: Whether it is there.
        size: Bytes, if known.
    """

    what: str
    how: str
    check: Callable[[], bool]
    size: int | None = None

    def present(self) -> bool:  # noqa: D102
        return self.check()

    def missing_bytes(self) -> int | None:  # noqa: D102
        return 0 if self.present() else self.size

    def fetch(self, progress: Callable[[int], None]) -> None:  # noqa: D102
        raise DataError(f"{self.what} has to be fetched by hand: {self.how}")


def free_space(needed: int, folder: Path) -> str | None:
    """What to say where a disk has no room for some bytes, with a tenth to spare."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed * 1.1 <= free:
        return None
    return f"{readable(needed)} are needed below {folder}, {readable(free)} are free"


def readable(size: float) -> str:
    """Bytes as people write them."""
    for unit in ("B", "kB", "MB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def absent(what: str, how: str) -> DataError:
    """The error for something that was not fetched yet.

    Example::

        >>> str(absent("source 'x'", "--zoo timm:resnet18"))
        "source 'x' is not on this machine; get it with `distbench fetch --zoo timm:resnet18`"
    """
    return DataError(f"{what} is not on this machine; get it with `distbench fetch {how}`")


@contextlib.contextmanager
def _alone(path: Path, what: str) -> Iterator[None]:
    """Keeps other processes from writing to the same part of a file."""
    lock = home() / "fetched" / f"{digest([str(path.absolute())])}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(lock, timeout=LOCK_SECONDS).acquire()
    except Timeout:
        raise DataError(
            f"another process has been fetching {what} for an hour; stop it, or wait"
        ) from None
    with held:
        yield


def refuse_offline(what: str) -> None:
    """Raises where nothing may be contacted."""
    if hub_offline():
        raise DataError(f"cannot get {what}: distbench is offline")


def hub_offline() -> bool:
    """Whether nothing may be contacted, as distbench or the Hub's own library is told."""
    return offline() or os.environ.get("HF_HUB_OFFLINE") == "1"
