"""Canonical JSON, content keys and seeds: what makes two things the same thing."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def is_text(value: str) -> bool:
    """Whether a string can be written: names of files and plugins may hold halves of characters."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _plain(value: Any) -> Any:
    """Turns a value into what canonical JSON can hold; infinity becomes the string ``"inf"``."""
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("NaN has no canonical form")
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return value
    if isinstance(value, str):
        if not is_text(value):
            raise ValueError(f"{value!r} is no text in UTF-8, so it has no canonical form")
        return value
    if value is None or isinstance(value, (int, bool)):
        return value
    if isinstance(value, Mapping):
        return {_plain(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(v) for v in value)
    if isinstance(value, Sequence):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return _plain(str(value))
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, ``inf`` as a string."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_digest(data: bytes) -> str:
    """What git calls a file of this content: SHA-1 (hex) of it behind its kind and length."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def folder_files(folder: Path) -> Iterator[Path]:
    """All regular files below a folder, in no order; links are followed, each folder once."""
    entered: set[str] = set()
    for place, inner, names in os.walk(folder, followlinks=True):
        whole = os.path.realpath(place)
        if whole in entered:
            inner.clear()
            continue
        entered.add(whole)
        yield from (file for name in names if (file := Path(place, name)).is_file())


def path_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, or of the names and bytes of all files below a folder.

    Raises:
        OSError: Something cannot be read.
    """
    if not path.is_dir():
        return file_digest(path)
    files = {f.relative_to(path).as_posix(): f for f in folder_files(path)}
    return digest({name: file_digest(file) for name, file in files.items()})


def seed_for(*axes: str | int) -> int:
    """A seed that depends on the named axes and on nothing else.

    Args:
        axes: For example ``("mini", "mini-cub", 0, "split")``. What is not named cannot matter:
            a split drawn from (suite, task, seed) is the same for every method.

    Returns:
        An integer in [0, 2**63).
    """
    return int.from_bytes(hashlib.sha256(canonical_json(list(axes)).encode()).digest()[:8]) >> 1
