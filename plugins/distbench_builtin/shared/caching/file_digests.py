"""SHA-256 of files, remembered for as long as the files are not touched."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from distbench_builtin.shared.caching.digest_store import DigestStore, Stamp

_SETTLED = 2_000_000_000
"""Nanoseconds after which a file counts as settled: on a coarse clock one that was written a moment
ago may be written again without a new modification time."""

_CHUNK = 1024
_SHARE = 32
_BLOCK = 2**20

_known: dict[Path, tuple[Stamp, str, int]] = {}
"""Single files that this process asked for before, and when."""


def file_digests(root: Path, files: Sequence[Path]) -> list[str]:
    """SHA-256 (hex) of files; each is read only if it changed since the last time.

    What is found is kept in one file for each root below ``$DISTBENCH_HOME/fingerprints``, so that
    asking again costs one `stat` a file, in later processes too. Losing that file costs only time;
    an interruption costs only what was read in the last moments.

    Args:
        root: Absolute folder; which digests are kept together.
        files: Absolute paths, below it as a rule.

    Raises:
        OSError: A file cannot be read; its ``filename`` says which.
    """
    return digests_below(root, [os.path.relpath(file, root) for file in files])


def digests_below(root: Path, names: Sequence[str]) -> list[str]:
    """As `file_digests`, for files named by their paths from the root; cheap in millions."""
    digests = [""] * len(names)
    with DigestStore(root) as store, ThreadPoolExecutor(max_workers=8) as pool:
        order = sorted(range(len(names)), key=names.__getitem__)
        for start in range(0, len(order), _CHUNK):
            chunk = order[start : start + _CHUNK]
            known = store.held([names[i] for i in chunk])
            stale: list[int] = []
            for i in chunk:
                held = known.get(names[i])
                if held is not None and held[0] == _stamp(os.path.join(root, names[i])):  # noqa: PTH118
                    digests[i] = held[1]
                else:
                    stale.append(i)
            shares = [stale[at : at + _SHARE] for at in range(0, len(stale), _SHARE)]
            paths = [[os.path.join(root, names[i]) for i in share] for share in shares]  # noqa: PTH118
            latest = time.time_ns() - _SETTLED
            fresh = dict(zip(stale, _flat(pool.map(_read_all, paths)), strict=True))
            for i, (_, value) in fresh.items():
                digests[i] = value
            store.keep((names[i], s, v) for i, (s, v) in fresh.items() if _last_touched(s) < latest)
    return digests


def file_digest(file: Path) -> str:
    """SHA-256 (hex) of one file, remembered with those of its folder.

    Raises:
        OSError: It cannot be read.
    """
    from distbench import verified_since

    whole = file.absolute()
    held = _known.get(whole)
    stamp = _stamp(whole)
    if held is None or held[0] != stamp or held[2] < verified_since():
        now = time.time_ns()
        held = stamp, file_digests(whole.parent, [whole])[0], now
        if _last_touched(stamp) < now - _SETTLED:
            _known[whole] = held
    return held[1]


def _last_touched(stamp: Stamp) -> int:
    return max(stamp[1:3])


def _stamp(file: str | Path) -> Stamp:
    status = os.stat(file)  # noqa: PTH116 - a million times, and Path.stat is slow
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _read_all(files: Sequence[str]) -> list[tuple[Stamp, str]]:
    return [_settled_digest(file) for file in files]


def _flat(shares: Iterator[list[tuple[Stamp, str]]]) -> Iterator[tuple[Stamp, str]]:
    return (pair for share in shares for pair in share)


def _settled_digest(file: str) -> tuple[Stamp, str]:
    """Digest and stamp of the same state of a file, also where somebody is writing it."""
    while True:
        before = _stamp(file)
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123
            value = hashlib.sha256()
            while block := stream.read(_BLOCK):
                value.update(block)
        if _stamp(file) == before:
            return before, value.hexdigest()
