"""The digest of a long list, of which no text as long as the whole is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

_AT_ONCE = 1000
"""Entries that are written at once."""


def list_digest(entries: Sequence[Any]) -> hashlib._Hash:
    """SHA-256 of what `json.dumps` gives of a list, open for more.

    Args:
        entries: JSON-able.
    """
    whole = hashlib.sha256(b"[")
    for start in range(0, len(entries), _AT_ONCE):
        some = json.dumps(entries[start : start + _AT_ONCE])[1:-1]
        whole.update((", " if start else "").encode() + some.encode())
    whole.update(b"]")
    return whole
