"""Folders that a person names to write to, looked at before any work."""

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
    whole = at_home(folder).absolute()
    there = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise UsageError(f"{option} {folder}: {there} is no folder; name another")
    try:
        Path(tempfile.mkdtemp(dir=there, prefix=".tmp-")).rmdir()
    except OSError as error:
        why = error.strerror or reason_of(error)
        raise UsageError(
            f"{option} {folder}: nothing can be written there ({why}); name another"
        ) from None
