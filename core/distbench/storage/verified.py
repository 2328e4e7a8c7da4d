"""Digests that were taken once and are remembered, until ``--verify-data`` has all taken again."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import digest

_VARIABLE = "DISTBENCH_VERIFY_DATA"
_SEEN = "verified-{}.json"


def verify_data() -> None:
    """Has every file read again whose digest was taken before this moment.

    Processes started from here do so too; each file is read once, whichever of them comes first.
    """
    os.environ[_VARIABLE] = str(time.time_ns())


def verified_since() -> int:
    """Nanoseconds since the epoch before which no remembered digest counts; 0: all count.

    Files whose size, modification time, change time and inode stayed are otherwise not read again.

    Example::

        >>> verified_since()
        0
    """
    value = os.environ.get(_VARIABLE, "")
    return int(value) if value.isdecimal() else 0


def stamp(path: Path) -> list[int]:
    """By what a changed file is told from one that stayed: size, times and inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def remember(folder: Path, stamps: dict[str, list[int]]) -> None:
    """Keeps what was verified and when; where that cannot be written, it is verified again."""
    with contextlib.suppress(OSError):
        seen = {"at": time.time_ns(), "files": stamps}
        write_atomic(folder / _SEEN.format(_client(folder)), json.dumps(seen))


def verified(folder: Path) -> dict[str, Any]:
    """The states in which the files of an artifact were verified."""
    seen = read_table(folder / _SEEN.format(_client(folder)))
    at, files = seen.get("at"), seen.get("files")
    if not isinstance(at, int) or not isinstance(files, dict) or at < verified_since():
        return {}
    return files


def _client(folder: Path) -> str:
    """By whom stamps are known: each machine and mount may number and time files in its own way."""
    return digest([platform.node(), folder.stat().st_dev])[:8]


def read_table(path: Path) -> dict[str, Any]:
    """A JSON object in a file; an empty one where there is none that can be read."""
    try:
        value = from_json(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
