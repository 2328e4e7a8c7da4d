"""A local zoo as what goes to others: its weights, and a manifest with the digest of each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distbench import WeightsError, toml_value
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.sources.onnx_files import weight_files
from distbench_builtin.shared.sources.zoo_manifest import (
    MANIFEST,
    Entry,
    OnnxEntry,
    read_manifest,
)


def packed(zoo: Path, names: Sequence[str]) -> dict[str, Path | bytes]:
    """Some models of a zoo, by the names that their files have beside the manifest.

    Args:
        zoo: The folder, or its manifest.
        names: Of the models.

    Raises:
        WeightsError: A file lies outside of the folder, or is not what the manifest declares.
    """
    root = (zoo if zoo.is_dir() else zoo.parent).absolute()
    files: dict[str, Path | bytes] = {}
    tables = []
    for entry in read_manifest(zoo):
        if entry.name not in names:
            continue
        own = _below(root, entry.file, entry.name)
        beside = weight_files(entry.file) if isinstance(entry, OnnxEntry) else []
        files[own] = entry.file
        files |= {
            _below(root, entry.file.parent / b, entry.name): entry.file.parent / b for b in beside
        }
        tables.append(_table(entry, own, beside))
    head = f"name = {toml_value(root.name)}\nversion = 1\n"
    files[MANIFEST] = (head + "".join(tables)).encode()
    return files


def _below(root: Path, file: Path, name: str) -> str:
    """The name of a file from the zoo's folder."""
    try:
        own = file.relative_to(root)
    except ValueError:
        own = Path("..")
    if ".." in own.parts:
        raise WeightsError(
            f"the file {file} of source {name!r} lies outside of {root}; "
            f"`distbench zoo add {file} --zoo {root}` copies it there"
        )
    return own.as_posix()


def _table(entry: Entry, own: str, beside: Sequence[str]) -> str:
    """A model's table, with the digests of its files."""
    digest = file_digest(entry.file)
    if entry.sha256 not in (None, digest):
        raise WeightsError(
            f"{entry.file} is not what the manifest declares for source {entry.name!r}: its "
            f"SHA-256 is {digest[:12]}..., declared is {str(entry.sha256)[:12]}..."
        )
    facts: dict[str, Any] = entry.model_dump(mode="json", exclude_none=True)
    facts |= {"file": own, "sha256": digest}
    if beside:
        facts["weights_sha256"] = {b: file_digest(entry.file.parent / b) for b in beside}
    lines = ["", "[[models]]"]
    lines += [
        f"{key} = {toml_value(value)}" for key, value in facts.items() if value not in ({}, [])
    ]
    return "\n".join(lines) + "\n"
