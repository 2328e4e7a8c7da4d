"""Whether the files of an artifact are what they were: by size, head, full digest and state."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from distbench.storage.hashing import file_digest
from distbench.storage.verified import read_table, remember, stamp, verified

MANIFEST = "manifest.json"
"""Size and digests of every file of an artifact."""

_HEAD = 4096


def note_digest(file: Path, sha256: str) -> None:
    """Says what the digest of a file in a draft is, so that it is not read again for that."""
    _noted(file).write_text(sha256, encoding="ascii")


def _noted(file: Path) -> Path:
    return file.with_name(f".{file.name}.sha256")


def facts_of(file: Path) -> dict[str, Any]:
    """What a manifest holds of a file."""
    return {"size": file.stat().st_size, "sha256": _digest(file), "head": _head(file)}


def _digest(file: Path) -> str:
    try:
        noted = _noted(file).read_text(encoding="ascii")
    except OSError:
        return file_digest(file)
    _noted(file).unlink()
    return noted


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_HEAD)).hexdigest()


def intact(folder: Path) -> bool:
    """Whether an artifact is whole and unaltered."""
    manifest = read_table(folder / MANIFEST)
    if not manifest:
        return False
    seen = verified(folder)
    try:
        stamps = {name: stamp(folder / name) for name in manifest}
        for name, facts in manifest.items():
            path = folder / name
            if stamps[name][0] != facts["size"] or _head(path) != facts["head"]:
                return False
            if seen.get(name) != stamps[name] and file_digest(path) != facts["sha256"]:
                return False
    except (OSError, KeyError, TypeError):
        return False
    if stamps != seen:
        remember(folder, stamps)
    return True
