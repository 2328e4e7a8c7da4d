"""Plugin files beside a plan, so that workers find them on machines that lack them.

Where machines have no common folder, those files go through the shared store.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from distbench.errors import UsageError
from distbench.plugins.source_code import common_root, files_of_plugin, plugin_file_digest
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import folder_files
from distbench.storage.network.shared.store import shared_store
from distbench.storage.paths import without_links

_NAME, _FILES = "name", "files"
"""Says which of the files is the plugin; and the folder that they lie in."""
_KIND = "plugins"


def ship(files: Mapping[str, str], root: Path) -> None:
    """Copies plugin files, and the modules of the user's that they import.

    Args:
        files: Path to digest of each plugin.
        root: ``$DISTBENCH_HOME``.

    Raises:
        OSError: One cannot be read, or no copy can be written.
    """
    for file, digest in files.items():
        place = root / "plugins" / digest
        if (place / _NAME).exists():
            continue
        own = files_of_plugin(Path(file))
        base = common_root(own)
        for one in own:
            write_atomic(place / _FILES / one.relative_to(base), one.read_bytes())
        # The last one, so that what is whole has it.
        write_atomic(place / _NAME, without_links(file).relative_to(base).as_posix())


def share(files: Mapping[str, str], root: Path) -> None:
    """Puts plugin files that were shipped into the shared store; nothing where none is named.

    Args:
        files: Path to digest of each plugin.
        root: ``$DISTBENCH_HOME``.

    Raises:
        StoreError: It cannot be used.
    """
    if store := shared_store():
        for digest in files.values():
            place = root / "plugins" / digest
            own = [place / _NAME, *folder_files(place / _FILES)]
            held = {file.relative_to(place).as_posix(): file.read_bytes() for file in own}
            store.offer(_KIND, digest, held)


def _fetch(digest: str, place: Path) -> None:
    """Brings the files of a plugin here from the shared store, if they are there."""
    store = shared_store()
    held = (store.get(_KIND, digest) if store else None) or {}
    for name in sorted(held, key=lambda name: name == _NAME):
        write_atomic(place / name, held[name])


def plugin_here(file: str, digest: str, root: Path) -> Path:
    """Where a plugin of a plan lies on this machine: at its path, or else as it was shipped.

    Args:
        file: Its path where the plan was made.
        digest: Its digest then.
        root: ``$DISTBENCH_HOME``.

    Raises:
        UsageError: It was edited since, and no copy is there.
        StoreError: A shared store is named and cannot be used.
    """
    given, place = Path(file), root / "plugins" / digest
    candidates = [given]
    if not given.is_file() and not (place / _NAME).is_file():
        _fetch(digest, place)
    if (place / _NAME).is_file():
        candidates.append(place / _FILES / (place / _NAME).read_text(encoding="utf-8"))
    for path in candidates:
        if path.is_file() and plugin_file_digest(path) == digest:
            return path
    raise UsageError(
        f"plugin {file}, or a module that it imports, was edited after the run was planned; run "
        "again"
    )
