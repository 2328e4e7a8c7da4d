"""The standard streams of a process."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Gives a process that was started without standard streams some that go nowhere.

    Otherwise the first files that it opens would become its output.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(handle)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
