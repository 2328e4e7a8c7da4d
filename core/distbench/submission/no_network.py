"""Validation contacts no other machine, whatever a plugin would do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from distbench.storage.network.offline import guard

_OFFLINE = "DISTBENCH_OFFLINE"


@contextlib.contextmanager
def without_network() -> Iterator[None]:
    """Refuses every connection to another machine for a while."""
    before = os.environ.get(_OFFLINE)
    os.environ[_OFFLINE] = "1"
    guard()
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OFFLINE]
        else:
            os.environ[_OFFLINE] = before
