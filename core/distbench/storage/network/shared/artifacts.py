"""Artifacts in the shared store: the files of each as one object; without a store nothing happens.

Every function raises a `StoreError` where a store is named and cannot be used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from distbench.storage.hashing import digest
from distbench.storage.network.shared.packed import Files
from distbench.storage.network.shared.store import SharedStore, shared_store

_MARK = "shared-{}"
"""A file in an artifact's folder: it lies in the store of this address."""


def fetch(kind: str, key: str) -> Files | None:
    """The files of an artifact; None where it is not there, or was altered."""
    store = shared_store()
    files = store.get(f"artifacts/{kind}", key) if store else None
    return files if files is not None and _of_artifact(files) else None


def offer(kind: str, key: str, folder: Path, names: Iterable[str]) -> None:
    """Puts an artifact there, unless it is there.

    Args:
        kind: Its kind.
        key: Its key.
        folder: Where it lies here.
        names: Its files.
    """
    store = shared_store()
    if store is None or _mark(folder, store).exists():
        return
    files = {name: (folder / name).read_bytes() for name in names}
    store.offer(f"artifacts/{kind}", key, files, _of_artifact)
    mark(folder)


def mark(folder: Path) -> None:
    """Remembers that the artifact in a folder is there."""
    if store := shared_store():
        with contextlib.suppress(OSError):
            _mark(folder, store).touch()


def _mark(folder: Path, store: SharedStore) -> Path:
    return folder / _MARK.format(digest(store.address)[:8])


def _of_artifact(files: Files) -> bool:
    """Whether files have names as those of an artifact."""
    return bool(files) and all("/" not in name and name[0] != "." for name in files)
