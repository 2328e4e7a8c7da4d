"""Where digests of files are kept between processes: one small database for each folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

Stamp = tuple[int, int, int, int]
"""Size, modification and change time in nanoseconds, and inode: as long as they stay, the bytes do.

The modification time alone is not enough: archives unpacked over older ones keep it.
"""

_WAIT = 20.0
_TABLE = """CREATE TABLE IF NOT EXISTS digests (
    name BLOB PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, inode BLOB,
    digest BLOB, read_at INTEGER
) WITHOUT ROWID"""


class DigestStore:
    """Digests by file name; a store that cannot be read or written is one that holds nothing.

    A database, because a folder may hold a million files: it is read a piece at a time, and what
    was found so far is safe when somebody stops the program.

    Args:
        root: The folder whose files are remembered.
    """

    def __init__(self, root: Path) -> None:
        from distbench import home

        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        self._path = home() / "fingerprints" / f"{name}.sqlite"
        self._base: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._base = sqlite3.connect(self._path, timeout=_WAIT)
                self._base.execute(_TABLE)
                break
            except OSError:
                break
            except sqlite3.Error as error:
                self._give_up(error)
        return self

    def __exit__(self, *_: object) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None

    def held(self, names: Sequence[str]) -> dict[str, tuple[Stamp, str]]:
        """What is known of these files, which should be neighbours in sorted order.

        After ``--verify-data``, only what was read since.
        """
        from distbench import verified_since

        if self._base is None or not names:
            return {}
        keys = [os.fsencode(name) for name in names]
        try:
            rows = self._base.execute(
                "SELECT name, size, modified, changed, inode, digest FROM digests "
                "WHERE name BETWEEN ? AND ? AND read_at >= ?",
                (min(keys), max(keys), verified_since()),
            )
            return {
                os.fsdecode(name): ((size, modified, changed, int.from_bytes(inode)), digest.hex())
                for name, size, modified, changed, inode, digest in rows
            }
        except (sqlite3.Error, AttributeError, TypeError) as error:
            self._give_up(error)
            return {}

    def keep(self, stamped: Iterable[tuple[str, Stamp, str]]) -> None:
        """Remembers digests; where that fails, the files are read again next time."""
        now = time.time_ns()
        # An inode may have more bits than a number in the database can hold.
        rows = [
            (os.fsencode(name), *times, inode.to_bytes(16), bytes.fromhex(digest), now)
            for name, (*times, inode), digest in stamped
        ]
        if self._base is None or not rows:
            return
        try:
            with self._base:
                self._base.executemany("REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Goes on without; a store that is broken, and not merely busy, is thrown away."""
        if self._base is not None:
            self._base.close()
            self._base = None
        if not isinstance(error, sqlite3.OperationalError):
            with contextlib.suppress(OSError):
                self._path.unlink()
