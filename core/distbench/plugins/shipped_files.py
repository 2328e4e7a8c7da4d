"""Plugin files beside a plan, so that workers find them on machines that lack them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from distbench.errors import UsageError
from distbench.plugins.source_code import common_root, files_of_plugin, plugin_file_digest
from distbench.storage.atomic import write_atomic
from distbench.storage.paths import without_links

_NAME = "name"
"""Says which of the files is the plugin."""


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
            write_atomic(place / "files" / one.relative_to(base), one.read_bytes())
        # The last one, so that what is whole has it.
        write_atomic(place / _NAME, without_links(file).relative_to(base).as_posix())


def plugin_here(file: str, digest: str, root: Path) -> Path:
    """Where a plugin of a plan lies on this machine: at its path, or else as it was shipped.

    Args:
        file: Its path where the plan was made.
        digest: Its digest then.
        root: ``$DISTBENCH_HOME``.

    Raises:
        UsageError: It was edited since, and no copy is there.
    """
    given, place = Path(file), root / "plugins" / digest
    candidates = [given]
    if (place / _NAME).is_file():
        candidates.append(place / "files" / (place / _NAME).read_text(encoding="utf-8"))
    for path in candidates:
        if path.is_file() and plugin_file_digest(path) == digest:
            return path
    raise UsageError(
        f"plugin {file}, or a module that it imports, was edited after the run was planned; run "
        "again"
    )
