"""Files that are seen whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distbench.storage.system.disk import naming_file

_SHOWN = 100
"""Letters of a file's name that its drafts carry; a name has an end of its own length."""
_GIVEN_UP = 3600
"""Seconds after which a draft that nobody wrote to is one of a process that was killed."""


def write_atomic(path: Path, data: bytes | str) -> None:
    """Writes a file so that it is seen whole or not at all, also after a crash.

    Raises:
        OSError: No space, no permission; names the file, and nothing is left behind.

    Example::

        >>> write_atomic(Path("weights.json"), "[0.5, 0.5]")
        >>> Path("weights.json").read_text()
        '[0.5, 0.5]'
    """
    with replacing(path) as draft, draft.open("wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside another that takes its place, whole, once all is written.

    Raises:
        OSError: No space, no permission; names the file, and nothing is left behind.
    """
    path = Path(os.path.realpath(path))  # a link stays, what it leads to is written
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileExistsError(errno.EEXIST, "a pipe or a device lies there and no file", str(path))
    prefix = f".tmp-{path.name[:_SHOWN]}-"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix)
    os.close(handle)
    draft = Path(name)
    try:
        with naming_file(path):
            yield draft
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        draft.chmod(0o644)
        if path.is_dir():
            raise IsADirectoryError(
                errno.EISDIR, "a folder lies where a file belongs; remove it", str(path)
            )
        draft.replace(path)
        _sweep(path.parent, prefix)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _sweep(folder: Path, prefix: str) -> None:
    """Removes what killed writers of the same file left."""
    given_up = time.time() - _GIVEN_UP
    with os.scandir(folder) as entries:  # for every row there is: no path is made of the others
        drafts = [Path(entry.path) for entry in entries if entry.name.startswith(prefix)]
    for draft in drafts:
        with suppress(OSError):  # another one was faster
            if draft.stat().st_mtime < given_up:
                draft.unlink()
