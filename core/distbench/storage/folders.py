"""Folders and files that a person names to write to, looked at before any work."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from distbench.errors import UsageError, reason_of
from distbench.storage.paths import at_home


def check_folder(folder: Path, option: str) -> None:
    """Refuses a folder in which nothing can be written; it may be one that is still to be made.

    Args:
        folder: The folder.
        option: What it was named by, e.g. ``--output``.

    Raises:
        UsageError: It is a file, or cannot be made or written to; names the option.
    """
    _check(folder, at_home(folder), option)


def check_file(file: Path, option: str) -> None:
    """Refuses a file that cannot be written; it may be one that is still to be made.

    Args:
        file: The file.
        option: What it was named by, e.g. ``--output``.

    Raises:
        UsageError: It is a folder or a device, or its folder cannot be made or written to; names
            the option.
    """
    given = at_home(file)
    if given.exists() and not given.is_file():
        raise UsageError(f"{option} {file} is no ordinary file; name one")
    _check(file, given.parent, option)


def no_folder(wanted: Path) -> Path | None:
    """What lies where a folder is or would have to be made, and is none."""
    there = _first_there(wanted)
    return None if there.is_dir() else there


def _first_there(wanted: Path) -> Path:
    whole = wanted.absolute()
    return next(place for place in (whole, *whole.parents) if os.path.lexists(place))


def _check(shown: Path, folder: Path, option: str) -> None:
    if wrong := no_folder(folder):
        raise UsageError(f"{option} {shown}: {wrong} is no folder; name another")
    try:
        Path(tempfile.mkdtemp(dir=_first_there(folder), prefix=".tmp-")).rmdir()
    except OSError as error:
        why = error.strerror or reason_of(error)
        raise UsageError(
            f"{option} {shown}: nothing can be written there ({why}); name another"
        ) from None
