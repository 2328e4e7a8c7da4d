"""What components need from the network, and getting it: whole, checked, and resumable."""

from __future__ import annotations

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from distbench.errors import DataError
from distbench.storage.home import home
from distbench.storage.offline import offline

_CHUNK = 2**20
TIMEOUT = 30.0


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
        size: Bytes, if known.
        digest: ``"sha256:..."`` or ``"md5:..."``.
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
        return self.size - (part.stat().st_size if part.is_file() else 0)

    def fetch(self, progress: Callable[[int], None]) -> None:  # noqa: D102
        refuse_offline(self.what)
        addresses = (self.url,) if isinstance(self.url, str) else self.url
        failed: list[str] = []
        for address in addresses:
            try:
                self._from(address, progress)
                return
            except (URLError, OSError, DataError) as error:
                if isinstance(error, OSError) and error.errno is not None and error.filename:
                    raise
                failed.append(f"{address}: {clause(error)}")
        raise DataError(f"cannot get {self.what}: {'; '.join(failed)}")

    def _part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    def _from(self, address: str, progress: Callable[[int], None]) -> None:
        part = self._part()
        part.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.is_file() else 0
        headers = {"User-Agent": "distbench"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            answer = urlopen(Request(address, headers=headers), timeout=TIMEOUT)
        except HTTPError as error:
            if error.code != 416:  # what is there already is the whole
                raise
            answer = None
        if answer is not None:
            with answer, part.open("ab" if answer.status == 206 else "wb") as file:
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    progress(len(chunk))
        if wrong := self._wrong(part):
            part.unlink()
            raise DataError(f"what came {wrong}; it was thrown away")
        part.replace(self.path)

    def _wrong(self, file: Path) -> str | None:
        if self.size is not None and file.stat().st_size != self.size:
            return f"has {file.stat().st_size} bytes instead of {self.size}"
        if self.digest:
            algorithm, _, wanted = self.digest.partition(":")
            with file.open("rb") as stream:
                actual = hashlib.file_digest(stream, algorithm).hexdigest()
            if actual != wanted:
                return f"has {algorithm} {actual} instead of {wanted}"
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
    """The error for something that was not fetched yet."""
    return DataError(f"{what} is not on this machine; get it with `distbench fetch {how}`")


def refuse_offline(what: str) -> None:
    """Raises where nothing may be contacted."""
    if offline() or os.environ.get("HF_HUB_OFFLINE") == "1":
        raise DataError(f"cannot get {what}: distbench is offline")


def clause(error: Exception) -> str:
    """An error in a few words."""
    reason = None if isinstance(error, HTTPError) else getattr(error, "reason", None)
    lines = str(reason or error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
