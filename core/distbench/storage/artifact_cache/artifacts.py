"""Content-addressed cache of what the stages make: images, embeddings, scores.

An artifact is a folder under a key. It is built in a folder of its own and renamed into place, so
it is there whole or not at all; a manifest holds size and digest of every file. Sizes and the
digest of each file's head are checked at every opening, the full digest once for every state of a
file (size, modification and change time, inode), and again after ``--verify-data``. What does not
fit is thrown away and made anew.

Where machines share a store, what is not large is put there, too, and taken from there.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from distbench.errors import DistbenchError
from distbench.storage.artifact_cache.verification import (
    MANIFEST,
    facts_of,
    intact,
)
from distbench.storage.atomic import write_atomic
from distbench.storage.home import scratch
from distbench.storage.network.shared import artifacts as shared_artifacts
from distbench.storage.system import claims
from distbench.storage.system.disk import naming_file
from distbench.storage.verified import read_table, remember, stamp

_TIMED = "timed.json"
HEAVY = frozenset({"images", "embeddings", "layers", "thumbnails", "probes", "picked"})
"""Kinds of artifacts that are large, and made again where they are wanted."""
_LOOK = 10.0
"""Seconds after which whoever waits looks whether it waits for somebody."""


class Resumable(NamedTuple):
    """An artifact that is being made.

    Attributes:
        draft: What becomes the artifact.
        unfinished: What stays for another time where it does not.
    """

    draft: Path
    unfinished: Path


class ArtifactCache:
    """The artifacts below one folder, and the large ones below another.

    Args:
        root: ``$DISTBENCH_HOME/artifacts``.

    Attributes:
        heavy: Where images and what sources say of them lie, which each machine may have for
            itself: below ``$DISTBENCH_SCRATCH`` where that is given, else the same folder.

    Raises:
        StoreError: By any method, where a shared store is named and cannot be used; what was made
            by then is kept here, and put there by another time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        own = scratch()
        self.heavy = root if own is None else own / "artifacts"

    def folder(self, kind: str, key: str) -> Path:
        """Where an artifact lies or would lie."""
        return (self.heavy if kind in HEAVY else self.root) / kind / key[:2] / key

    def get(self, kind: str, key: str) -> Path | None:
        """The folder of a whole, unaltered artifact; None where there is none."""
        folder = self.folder(kind, key)
        return folder if intact(folder) or self._fetched(kind, key) else None

    def build(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of an artifact, made now where it is absent or damaged.

        Args:
            kind: Name of the stage.
            key: Hash of everything the artifact depends on.
            make: Fills an empty folder. One process at a time does so for one key, as far as the
                file system lets processes know of each other.
        """
        folder = self.folder(kind, key)
        if intact(folder):
            self._offer(kind, key)  # it may have been made while the store could not be reached
            return folder
        with self.draft(kind, key) as draft:
            if draft is not None:
                make(draft)
        return folder

    @contextlib.contextmanager
    def draft(self, kind: str, key: str) -> Iterator[Path | None]:
        """An empty folder that becomes the artifact when the context ends well.

        Others who want the artifact wait meanwhile, as long as whoever makes it shows life. Where
        two make it after all, since no lock is heard of between their machines, the first that is
        ready is taken and the other throws its own away. None where the artifact is there by now.

        Args:
            kind: Name of the stage.
            key: As `build` takes it.
        """
        folder = self.folder(kind, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _turn(folder):
            if self.get(kind, key) is None:
                with _whole(folder) as draft:
                    yield draft
                self._offer(kind, key)
                return
        yield None

    @contextlib.contextmanager
    def resumable(self, kind: str, key: str) -> Iterator[Resumable | None]:
        """As `draft`, with a folder beside it whose content stays where the context ends badly.

        Whoever makes the artifact next finds it there. One process has it at a time: another, who
        could not know of the first, gets a folder of its own.

        Args:
            kind: Name of the stage.
            key: As `build` takes it.
        """
        with contextlib.ExitStack() as stack:
            unfinished = self.unfinished(kind, key)
            with self.draft(kind, key) as draft:
                if draft is None:
                    yield None
                else:
                    if not stack.enter_context(claims.claimed(unfinished)):
                        unfinished = Path(tempfile.mkdtemp(dir=draft.parent, prefix=".unfinished-"))
                        stack.callback(shutil.rmtree, unfinished, ignore_errors=True)
                    yield Resumable(draft, unfinished)
            # Once it is whole, its unfinished state is of no use.
            shutil.rmtree(unfinished, ignore_errors=True)

    def unfinished(self, kind: str, key: str) -> Path:
        """Where an artifact lies that is not whole yet."""
        return self.heavy / "partial" / f"{kind}-{key}"

    def _fetched(self, kind: str, key: str) -> bool:
        """Whether an artifact was in the shared store, and is here now."""
        files = None if kind in HEAVY else shared_artifacts.fetch(kind, key)
        if files is None:
            return False
        folder = self.folder(kind, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _whole(folder) as draft:
            for name, data in files.items():
                (draft / name).write_bytes(data)
        shared_artifacts.mark(folder)
        return True

    def _offer(self, kind: str, key: str) -> None:
        """Puts an artifact into the shared store, unless it is there."""
        if kind not in HEAVY:
            folder = self.folder(kind, key)
            shared_artifacts.offer(kind, key, folder, read_table(folder / MANIFEST))


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Waits while another makes the same, as long as its drafts are touched."""
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    seen: dict[Path, float | None] = {}
    since = time.monotonic()
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(lock.acquire(timeout=_LOOK))
                break
            except Timeout:
                now = {draft: claims.touched(draft) for draft in _drafts(folder)}
                if now != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > claims.LEFT:
                    break  # it is held by somebody who does nothing
            except (OSError, NotImplementedError):
                break  # this file system has no locks
        yield


def _drafts(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob(f".tmp-{folder.name}-*"))


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A draft beside a folder, which takes its place with a manifest; gone if anything fails."""
    for left in _drafts(folder):
        if not claims.alive(left):
            shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".tmp-{folder.name}-"))
    try:
        with claims.claimed(draft):
            started = time.perf_counter()
            with naming_file(draft):
                yield draft
            seconds = time.perf_counter() - started
            files = sorted(p for p in draft.iterdir() if p.is_file() and p.name[0] != ".")
            manifest = {p.name: facts_of(p) for p in files}
            # Beside what is stored, which is the same however long it took.
            write_atomic(draft / _TIMED, json.dumps({"seconds": seconds}))
            write_atomic(draft / MANIFEST, json.dumps(manifest, indent=1))
            draft.chmod(0o755)
            _publish(draft, folder)
            (folder / claims.NAME).unlink(missing_ok=True)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    remember(folder, {name: stamp(folder / name) for name in manifest})


def _publish(draft: Path, folder: Path) -> None:
    """Puts a draft in its place, unless a whole one is there by now."""
    for _ in range(3):
        try:
            draft.rename(folder)
            return
        except OSError:
            if not folder.exists():
                raise
        if intact(folder):
            shutil.rmtree(draft, ignore_errors=True)
            return
        # What is damaged is moved away first: another may do the same at this moment.
        aside = draft.with_name(f"{draft.name}-old")
        with contextlib.suppress(OSError):
            folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    raise DistbenchError(f"{folder} cannot be put in its place; remove it, and run again")


def seconds_of(folder: Path) -> float | None:
    """How long it took to make an artifact; None where that is not known."""
    seconds = read_table(folder / _TIMED).get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else None
