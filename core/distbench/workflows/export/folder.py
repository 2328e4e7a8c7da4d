"""A folder that appears whole or not at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic_core import from_json

from distbench.errors import UsageError

ABOUT = "preprocessing.json"
"""Of every export; its ``cell`` says which one it is."""


def check_target(target: Path, key: str) -> None:
    """Refuses a folder that holds anything but an earlier export of the same cell.

    Raises:
        UsageError: It does.
    """
    if target.is_dir() and (not any(target.iterdir()) or _cell(target) == key):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(
            f"{target} exists and is no export of this cell; name another folder with --output, "
            "or delete it"
        )


def default_folder(run: Path, cell: str, to: str) -> Path:
    """Where an export lies if nobody says otherwise."""
    name = re.sub(r"[^A-Za-z0-9._=-]+", "-", cell).strip(".-")
    return run / "exports" / f"{name}-{to}"


def is_shipped(folder: Path, key: str) -> bool:
    """Whether a folder holds the weights of this cell."""
    return _cell(folder) == key and (folder / "model.safetensors").is_file()


@contextmanager
def whole_folder(target: Path, key: str, *, replace: bool = False) -> Iterator[Path]:
    """A draft beside the target that takes its place once all is written.

    Args:
        target: Where it will lie; an earlier export of the same cell is replaced.
        key: The cell.
        replace: Whether whatever lies there gives way: a folder that is distbench's own.

    Raises:
        UsageError: The target holds something else.
    """
    if not replace:
        check_target(target, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".tmp-export-"))
    draft.chmod(0o755)
    try:
        yield draft
        shutil.rmtree(draft / "__pycache__", ignore_errors=True)
        if target.exists():
            old = draft.with_name(draft.name + "-old")
            target.rename(old)
            draft.rename(target)
            shutil.rmtree(old)
        else:
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _cell(folder: Path) -> str | None:
    """Which cell the export in a folder is of."""
    try:
        about = from_json((folder / ABOUT).read_bytes())
    except (OSError, ValueError):
        return None
    return about.get("cell") if isinstance(about, dict) else None
