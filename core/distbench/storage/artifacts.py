"""Content-addressed cache of what the stages make: images, embeddings, scores.

An artifact is a folder under a key. It is built in a folder of its own and renamed into place, so
it is there whole or not at all; a manifest holds size and digest of every file. Sizes and the
digest of each file's head are checked at every opening, the full digest once for every state of a
file (size, modification and change time, inode), and again after ``--verify-data``. What does not
fit is thrown away and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic_core import from_json

from distbench.errors import DistbenchError
from distbench.storage.atomic import write_atomic
from distbench.storage.disk import naming_file
from distbench.storage.hashing import file_digest
from distbench.storage.verified import verified_since

_MANIFEST = "manifest.json"
_SEEN = "verified.json"
_TIMED = "timed.json"
_HEAD = 4096
LOCK_SECONDS = 3600.0
"""How long one process waits for another that builds the same artifact."""


class ArtifactCache:
    """The artifacts below one folder.

    Args:
        root: ``$DISTBENCH_HOME/artifacts``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, kind: str, key: str) -> Path:
        """Where an artifact lies or would lie."""
        return self.root / kind / key[:2] / key

    def get(self, kind: str, key: str) -> Path | None:
        """The folder of a whole, unaltered artifact; None where there is none."""
        folder = self.folder(kind, key)
        return folder if _intact(folder) else None

    def build(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of an artifact, made now where it is absent or damaged.

        Args:
            kind: Name of the stage.
            key: Hash of everything the artifact depends on.
            make: Fills an empty folder. One process at a time does so for one key.

        Raises:
            DistbenchError: Another process has held the key for an hour.
        """
        if folder := self.get(kind, key):
            return folder
        with self.draft(kind, key) as draft:
            if draft is not None:
                make(draft)
        return self.folder(kind, key)

    @contextlib.contextmanager
    def draft(self, kind: str, key: str) -> Iterator[Path | None]:
        """An empty folder that becomes the artifact when the context ends well.

        Nobody else gets one for the key meanwhile. None where the artifact is there by now.

        Args:
            kind: Name of the stage.
            key: As `build` takes it.

        Raises:
            DistbenchError: Another process has held the key for an hour.
        """
        folder = self.folder(kind, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(folder.parent / f".{key}.lock", timeout=LOCK_SECONDS).acquire()
        except Timeout:
            raise DistbenchError(
                f"another process has been making {kind} {key[:12]} for an hour; "
                "stop it, or wait and run again"
            ) from None
        with lock:
            if self.get(kind, key) is None:
                with _whole(folder) as draft:
                    yield draft
                return
        yield None


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A draft beside a folder, which takes its place with a manifest; gone if anything fails."""
    for left in folder.parent.glob(f".tmp-{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".tmp-{folder.name}-"))
    try:
        started = time.perf_counter()
        with naming_file(draft):
            yield draft
        seconds = time.perf_counter() - started
        files = sorted(p for p in draft.iterdir() if p.is_file())
        manifest = {
            p.name: {"size": p.stat().st_size, "sha256": file_digest(p), "head": _head(p)}
            for p in files
        }
        # Beside what is stored, which is the same however long it took.
        write_atomic(draft / _TIMED, json.dumps({"seconds": seconds}))
        write_atomic(draft / _MANIFEST, json.dumps(manifest, indent=1))
        draft.chmod(0o755)
        draft.replace(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _remember(folder, {name: _stamp(folder / name) for name in manifest})


def seconds_of(folder: Path) -> float | None:
    """How long it took to make an artifact; None where that is not known."""
    seconds = _read(folder / _TIMED).get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else None


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_HEAD)).hexdigest()


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _remember(folder: Path, stamps: dict[str, list[int]]) -> None:
    """Keeps what was verified and when; where that cannot be written, it is verified again."""
    with contextlib.suppress(OSError):
        write_atomic(folder / _SEEN, json.dumps({"at": time.time_ns(), "files": stamps}))


def _verified(folder: Path) -> dict[str, Any]:
    """The states in which the files of an artifact were verified."""
    seen = _read(folder / _SEEN)
    at, files = seen.get("at"), seen.get("files")
    if not isinstance(at, int) or not isinstance(files, dict) or at < verified_since():
        return {}
    return files


def _read(path: Path) -> dict[str, Any]:
    try:
        value = from_json(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _intact(folder: Path) -> bool:
    manifest = _read(folder / _MANIFEST)
    if not manifest:
        return False
    seen = _verified(folder)
    try:
        stamps = {name: _stamp(folder / name) for name in manifest}
        for name, facts in manifest.items():
            path = folder / name
            if stamps[name][0] != facts["size"] or _head(path) != facts["head"]:
                return False
            if seen.get(name) != stamps[name] and file_digest(path) != facts["sha256"]:
                return False
    except (OSError, KeyError, TypeError):
        return False
    if stamps != seen:
        _remember(folder, stamps)
    return True
