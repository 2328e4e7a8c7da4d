"""A disk that does not take what is written: told from other troubles, and named."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from distbench.errors import UsageError, reason_of
from distbench.storage.home import home

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_OF_DISK = _FULL | {errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_OF_PLACES = _OF_DISK | {errno.ENOTDIR, errno.ENOENT}
"""Of those, and where no folder can be made."""
_NOTHING = 2**20
"""Free bytes below which a disk counts as full."""


def is_of_disk(error: OSError) -> bool:
    """Whether an error is of files and disks, and not of a network."""
    return error.errno in _OF_DISK or (error.errno is not None and error.filename is not None)


@contextlib.contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Errors of a disk that name no file name this one: writing to a file that is open does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_DISK:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def disk_trouble(error: OSError) -> str:
    """What the system said, and which file or folder is concerned.

    Of what lies below ``$DISTBENCH_HOME`` it is said that it can lie elsewhere.
    Libraries leave out where a disk was full. Then those folders are named that distbench and they
    write to, and that have no room: ``$DISTBENCH_HOME``, the working folder, and the folder for
    temporary files.
    """
    reason = str(error) if error.errno is None else reason_of(error)
    if error.errno in _OF_PLACES and _is_at_home(error.filename):
        return f"{reason}; that is $DISTBENCH_HOME, another folder can be named by it"
    full = _full_folders() if error.errno in _FULL and not error.filename else []
    return f"{reason} ({'; '.join(full)})" if full else reason


def of_this_machine_alone(error: OSError) -> bool:
    """Whether a full disk is not the one of ``$DISTBENCH_HOME``, so that another machine may do.

    Where an error names no file, that disk is looked at.
    """
    if error.filename is not None:
        return not _is_at_home(error.filename)
    return _free(home()) >= _NOTHING


def _is_at_home(name: object) -> bool:
    """Whether a file lies below ``$DISTBENCH_HOME``."""
    with contextlib.suppress(UsageError):
        path = isinstance(name, (str, bytes, os.PathLike)) and Path(os.fsdecode(name))
        return bool(path and path.is_relative_to(home()))
    return False


def _full_folders() -> list[str]:
    """Folders that have no room, each with what it is and how to take another."""
    folders = {
        "$DISTBENCH_HOME": home(),
        "the working folder": Path.cwd(),
        "the folder for temporary files; name another with TMPDIR": _temporary(),
    }
    return [f"{path}, {what}" for what, path in folders.items() if _free(path) < _NOTHING]


def _temporary() -> Path:
    """The folder for temporary files; the one that was asked for where none takes any."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR", "/tmp"))


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
