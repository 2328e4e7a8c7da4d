"""Since when a remembered digest counts: ever, or only since ``--verify-data`` began."""

from __future__ import annotations

import os
import time

_VARIABLE = "DISTBENCH_VERIFY_DATA"


def verify_data() -> None:
    """Has every file read again whose digest was taken before this moment.

    Processes started from here do so too; each file is read once, whichever of them comes first.
    """
    os.environ[_VARIABLE] = str(time.time_ns())


def verified_since() -> int:
    """Nanoseconds since the epoch before which no remembered digest counts; 0: all count.

    Files whose size, modification time, change time and inode stayed are otherwise not read again.
    """
    value = os.environ.get(_VARIABLE, "")
    return int(value) if value.isdecimal() else 0
