"""The files of a built zoo: its manifest, and how each model came to be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from distbench import UsageError, toml_value, write_atomic
from distbench_builtin.shared.sources.zoo_manifest import MANIFEST

RECORDS = "training.json"


class Record(BaseModel):
    """A finished model.

    Attributes:
        key: Digest of everything that its weights depend on.
        entry: Its table in the manifest.
        figure: What it was judged by: accuracy, or mean average precision of multi-label data.
        value: The figure, in 0..1.
        test_images: On how many images.
        training: Protocol, data and initial weights.
        classes: Names of its outputs.
        seconds: How long its training took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    entry: dict[str, Any]
    figure: str
    value: float
    test_images: int
    training: dict[str, Any]
    classes: tuple[str, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.entry["name"])

    @property
    def says(self) -> str:
        """Its figure in words."""
        return f"{self.figure} {self.value:.3f} on {self.test_images} test images"


def read_records(folder: Path) -> dict[str, Record]:
    """The finished models of a folder by name; those whose weights are gone do not count.

    Raises:
        UsageError: The folder holds a zoo that was not made by training, or no zoo.
    """
    file = folder / RECORDS
    if not file.is_file():
        # Weights that are not listed yet are what an interrupted build may leave.
        held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        others = [n for n in held if n != ".building" and not n.endswith(".safetensors")]
        if others:
            raise UsageError(
                f"{folder} holds other things, e.g. {others[0]}; name another --output"
            )
        return {}
    try:
        held = from_json(file.read_bytes())
        records = [Record.model_validate(record) for record in held["models"]]
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"cannot read {file}: {reason}; name another --output") from None
    return {r.name: r for r in records if (folder / str(r.entry["file"])).is_file()}


def write_records(folder: Path, name: str, records: Sequence[Record]) -> None:
    """Writes what is known of the finished models, then the manifest that lists them."""
    text = json.dumps({"models": [record.model_dump() for record in records]}, indent=1)
    write_atomic(folder / RECORDS, text + "\n")
    if records:
        write_atomic(folder / MANIFEST, manifest(name, records))


def manifest(name: str, records: Sequence[Record]) -> str:
    """The manifest as TOML."""
    lines = [
        f"# Source models made by `distbench zoo build`; {RECORDS} says how.",
        f"name = {toml_value(name)}",
        "version = 1",
    ]
    for record in records:
        lines += ["", "[[models]]", f"# {record.says}"]
        lines += [f"{key} = {toml_value(value)}" for key, value in record.entry.items()]
    return "\n".join(lines) + "\n"
