"""Facts that are dear to find out and never change, kept below ``$DISTBENCH_HOME/facts``."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import from_json


def remembered(
    kind: str, key: Mapping[str, Any], find: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Facts by their key; found out once and read from a small file from then on.

    Args:
        kind: First part of the file's name.
        key: Everything the facts depend on, JSON-able.
        find: Finds them out; JSON-able. What it raises is passed on, nothing is kept then.
    """
    from distbench import home, write_atomic

    whole = json.dumps(key, sort_keys=True, default=str)
    name = f"{kind}-{hashlib.sha256(whole.encode()).hexdigest()[:24]}.json"
    file = home() / "facts" / name
    try:
        held = from_json(file.read_bytes())
        if held["key"] == json.loads(whole):
            return dict(held["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    facts = find()
    with contextlib.suppress(OSError):
        write_atomic(file, json.dumps({"key": json.loads(whole), "facts": facts}, indent=1))
    return facts
