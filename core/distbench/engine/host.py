"""Where a unit is computed, for outcomes and rows."""

from __future__ import annotations

import platform
import sys


def host() -> str:
    """The name of this machine, without its domain."""
    return platform.node().partition(".")[0]


def computing_device() -> str:
    """The type of device that torch computes on here; empty where it was not loaded yet."""
    torch = sys.modules.get("torch")
    if torch is None:
        return ""
    return "cuda" if torch.cuda.is_initialized() else "cpu"
