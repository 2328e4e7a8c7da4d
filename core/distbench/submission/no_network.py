"""Validation contacts no other machine, whatever a plugin would do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from distbench.storage.network.offline import guard

_SET = {"DISTBENCH_OFFLINE": "1", "DISTBENCH_STORE": ""}


@contextlib.contextmanager
def without_network() -> Iterator[None]:
    """Refuses every connection to another machine for a while, to a shared store as well."""
    before = {name: os.environ.get(name) for name in _SET}
    os.environ |= _SET
    guard()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
