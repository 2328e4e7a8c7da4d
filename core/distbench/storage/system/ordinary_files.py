"""Opening a file never waits for ever: pipes and endless devices in its place are refused."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Any

_ENDLESS = {os.makedev(1, minor) for minor in (5, 7)} if sys.platform == "linux" else set()
"""/dev/zero and /dev/full."""


def refuse_what_never_ends() -> None:
    """Has this process refuse to read named pipes and endless devices, whatever library opens."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        _check(os.fsdecode(arguments[0]))


def _check(path: str) -> None:
    try:
        about = os.stat(path)  # noqa: PTH116 - called at every opening
    except (OSError, ValueError):
        return  # opening it says so
    pipe = stat.S_ISFIFO(about.st_mode) and not path.startswith(("/dev/fd/", "/proc/self/fd/"))
    if pipe or (stat.S_ISCHR(about.st_mode) and about.st_rdev in _ENDLESS):
        raise OSError(errno.EINVAL, "is a pipe or a device and no file", path)
