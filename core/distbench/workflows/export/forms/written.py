"""What a format puts into a folder."""

from __future__ import annotations

import json
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.interfaces.calls import naming
from distbench.storage.safe_text import plain_json
from distbench.workflows.export.own_imports import own_imports
from distbench.workflows.export.student import Original

Logits = NDArray[np.floating]


@dataclass(frozen=True)
class Written:
    """What a format put into a folder.

    Attributes:
        weights: The name of the file with the weights.
        logits: What the written files say of the original's samples, (n, c).
        packages: What their ``load.py`` needs.
        exact: Whether they say what the student says; else how many images get another class is
            counted.
        single: Whether one view is all that they see, however the student was judged.
        whole: Whether they take images of any size.
        calibrated: On how many images of the task the scales of 8 bits were measured.
    """

    weights: str
    logits: Logits
    packages: tuple[str, ...]
    exact: bool = True
    single: bool = False
    whole: bool = False
    calibrated: int = 0


def by_loader(original: Original, folder: Path, text: str, what: str) -> Logits:
    """Writes ``load.py``, and gives what it makes of the samples: the first alone, then the others.

    Args:
        original: The student.
        folder: Where its weights lie.
        text: The module.
        what: Names it, should it fail.
    """
    (folder / "load.py").write_text(text, encoding="utf-8")
    samples = list(original.samples)
    parts = [part for part in (samples[:1], samples[1:]) if part]
    with own_imports(folder), naming(original.exporter.name, what):
        there = runpy.run_path(str(folder / "load.py"))
        model = there["load"]()
        return np.concatenate([there["says"](model, part) for part in parts])


def write_json(path: Path, value: Any) -> None:
    """Writes JSON without characters that steer a terminal."""
    text = plain_json(json.dumps(value, indent=1, ensure_ascii=False))
    path.write_text(text + "\n", encoding="utf-8")
