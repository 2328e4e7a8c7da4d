"""SHA-256 of files, remembered for as long as the files are not touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Stamp = tuple[int, int, int]
"""Size, modification time in nanoseconds and inode: as long as they stay, the bytes do."""

_SETTLED = 2_000_000_000
"""Nanoseconds after which a file counts as settled: on a coarse clock one that was written a moment
ago may be written again without a new modification time."""

_known: dict[Path, dict[str, tuple[Stamp, str]]] = {}


def file_digests(root: Path, files: Sequence[Path]) -> list[str]:
    """SHA-256 (hex) of files below a folder; each is read only if it changed since the last time.

    The digests lie in one file a folder below ``$DISTBENCH_HOME/fingerprints``, so that asking
    again costs one `stat` a file, in later processes too. Losing that file costs only time.

    Args:
        root: Absolute folder; which digests are kept together.
        files: Absolute paths below it.

    Raises:
        OSError: A file cannot be read; its ``filename`` says which.
    """
    from distbench.paths import home

    store = home() / "fingerprints" / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.json"
    known = _known.get(store) or _load(store)
    keys = [os.path.relpath(file, root) for file in files]
    stamps = [_stamp(file) for file in files]
    stale = [
        i
        for i, (key, stamp) in enumerate(zip(keys, stamps, strict=True))
        if key not in known or known[key][0] != stamp
    ]
    if not stale:
        _known[store] = known
        return [known[key][1] for key in keys]
    with ThreadPoolExecutor(max_workers=8) as pool:
        fresh = dict(zip(stale, pool.map(_settled_digest, [files[i] for i in stale]), strict=True))
    wanted = set(keys)
    kept = {k: v for k, v in known.items() if k in wanted or (root / k).exists()}
    latest = time.time_ns() - _SETTLED
    for i, (stamp, value) in fresh.items():
        kept.pop(keys[i], None)
        if stamp[1] < latest:
            kept[keys[i]] = (stamp, value)
    _known[store] = kept
    _save(store, kept)
    return [fresh[i][1] if i in fresh else known[key][1] for i, key in enumerate(keys)]


def file_digest(file: Path) -> str:
    """SHA-256 (hex) of one file, remembered with those of its folder.

    Raises:
        OSError: It cannot be read.
    """
    whole = file.absolute()
    return file_digests(whole.parent, [whole])[0]


def _stamp(file: Path) -> Stamp:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _settled_digest(file: Path) -> tuple[Stamp, str]:
    """Digest and stamp of the same state of a file, also where somebody is writing it."""
    while True:
        before = _stamp(file)
        with file.open("rb") as stream:
            value = hashlib.file_digest(stream, "sha256").hexdigest()
        if _stamp(file) == before:
            return before, value


def _load(store: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        held = json.loads(store.read_bytes())["files"]
        return {
            key: ((size, mtime, inode), value) for key, (size, mtime, inode, value) in held.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _save(store: Path, known: dict[str, tuple[Stamp, str]]) -> None:
    """Keeps what was found; where that fails, the next process reads the files again."""
    from distbench.results import write_atomic

    held = {key: [*stamp, value] for key, (stamp, value) in known.items()}
    with contextlib.suppress(OSError):
        write_atomic(store, json.dumps({"files": held}))
