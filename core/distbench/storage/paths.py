"""Paths as people write them: ``~`` is written out, and links that lead in a circle do no harm."""

from __future__ import annotations

import os
from pathlib import Path


def at_home(path: Path | str) -> Path:
    """The path with ``~`` written out, where it is somebody's home folder."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - raises for no user


def without_links(path: Path | str) -> Path:
    """The absolute path with its links followed; one that leads in a circle stays as it is."""
    return Path(os.path.realpath(at_home(path)))
