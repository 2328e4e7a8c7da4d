"""Which machine this is, and what of it decides how much is worked on at once."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path


def this_machine() -> str:
    """Where numbers of processes mean the same: a machine since it was started, or a container.

    Example::

        >>> this_machine() == this_machine()
        True
    """
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(facts)


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """The NVIDIA GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    Looks at device files alone: to ask torch would cost its import.

    Example::

        >>> visible_gpus(Path("no devices"))
        []
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = sorted(
        (path for path in devices.glob("nvidia*") if path.name[6:].isdecimal()),
        key=lambda path: int(path.name[6:]),
    )
    if given is not None:
        named = [name.strip() for name in given.split(",")]
        return [name for name in named if name and name != "-1"] if there else []
    return [str(number) for number in range(len(there))]


def usable_cores() -> int:
    """CPU cores that this process may use.

    Example::

        >>> usable_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def processor(facts: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor, or its kind where the system does not tell more."""
    with contextlib.suppress(OSError):
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, name = line.partition(":")
            if key.strip() == "model name" and name.strip():
                return name.strip()
    return platform.processor() or platform.machine()


def is_busy() -> bool:
    """Whether more work waits for the processor than this process could be; False if not known."""
    if not hasattr(os, "getloadavg"):
        return False
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
