"""Plans in the shared store, for machines that do not see the folder in which a plan is kept."""

from __future__ import annotations

from pathlib import Path

from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import digest
from distbench.storage.network.shared.store import shared_store

_KIND, _FILE = "plans", "plan.json"


def share_plan(path: Path) -> None:
    """Puts a plan, as `Plan.keep` wrote it, into the shared store; nothing where none is named.

    Raises:
        StoreError: It cannot be used.
    """
    if store := shared_store():
        store.offer(_KIND, path.stem, {_FILE: path.read_bytes()})


def plan_here(path: Path) -> Path:
    """Where a plan was kept, after it was brought here from the shared store if need be.

    Raises:
        StoreError: A shared store is named and cannot be used.
    """
    if not path.is_file() and (store := shared_store()):
        text = (store.get(_KIND, path.stem) or {}).get(_FILE, b"")
        if digest(text.decode(errors="replace")) == path.stem:  # its name is its digest
            write_atomic(path, text)
    return path
