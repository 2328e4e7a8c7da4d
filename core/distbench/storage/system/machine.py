"""Which machine this is, to whoever shares a folder with it."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path


def this_machine() -> str:
    """Where numbers of processes mean the same: a machine since it was started, or a container."""
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(facts)
