"""Features and logits of a source, written batch by batch: an interruption loses little."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.errors import WeightsError
from distbench.interfaces.zoo import SourceInfo
from distbench.storage.atomic import write_atomic
from distbench.storage.npy import RowFile, convert, same_file

_KEEP_SECONDS = 30.0
"""What is lost at most when the process is killed."""

_PROGRESS = "progress.json"


class EmbeddingWriter:
    """Features and logits of one source on a number of images, in the making.

    They are written into a draft folder. A small file beside them says how many rows are safely on
    the disk; it is written after they are. Whoever opens the same draft again goes on from there,
    if it computes in the same manner. One process at a time may have a draft open.

    Args:
        info: The source.
        count: Number of images.
        draft: Folder for what is not ready; created if it is not there.
        how: How it is computed; rows that were computed otherwise are thrown away.

    Attributes:
        rows: How many rows there are already.
    """

    def __init__(self, info: SourceInfo, count: int, draft: Path, how: Mapping[str, Any]) -> None:
        self._info, self._count, self._draft = info, count, draft
        widths = {"features": info.feature_dim, "logits": info.num_classes}
        self._how = {**how, "count": count, **widths}
        self.rows, self._finite, self._largest = self._resume()
        draft.mkdir(parents=True, exist_ok=True)
        self._files = {
            name: RowFile(draft / f"{name}.draft", (count, width), np.float32, keep=self.rows)
            for name, width in widths.items()
        }
        self._kept = time.monotonic()

    def _resume(self) -> tuple[int, bool, float]:
        try:
            held = from_json((self._draft / _PROGRESS).read_bytes())
            if held["how"] == json.loads(json.dumps(self._how)) and all(
                (self._draft / f"{name}.draft").is_file() for name in ("features", "logits")
            ):
                return int(held["rows"]), bool(held["finite"]), float(held["largest"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, True, 0.0

    def append(self, features: NDArray[np.float32], logits: NDArray[np.float32]) -> None:
        """Writes the next rows.

        Raises:
            WeightsError: They do not have the declared shapes.
        """
        for name, out in (("features", features), ("logits", logits)):
            if out.shape != (len(features), self._how[name]):
                raise WeightsError(
                    f"source {self._info.name!r} gives {name} of shape {out.shape[1:]}, "
                    f"its zoo declares ({self._how[name]},)"
                )
        for name, out in (("features", features), ("logits", logits)):
            self._finite = self._finite and bool(np.isfinite(out).all())
            self._files[name].append(out)
        if self._finite:
            self._largest = max(self._largest, float(np.abs(logits).max(initial=0)))
        self.rows += len(features)
        if time.monotonic() - self._kept >= _KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Makes safe what there is."""
        for file in self._files.values():
            file.flush()
        facts = {"rows": self.rows, "finite": self._finite, "largest": self._largest}
        write_atomic(self._draft / _PROGRESS, json.dumps({"how": self._how, **facts}))
        self._kept = time.monotonic()

    def stop(self) -> None:
        """Leaves the draft for another time."""
        try:
            self.keep()
        finally:
            for file in self._files.values():
                file.stop()

    def finish(self, folder: Path) -> None:
        """Puts what is whole into a folder: features in float32, logits in float16 if they fit."""
        self.keep()
        for file in self._files.values():
            file.close()
        features, logits = (self._draft / f"{name}.draft" for name in ("features", "logits"))
        same_file(features, folder / "features.npy")
        if self._finite and self._largest < float(np.finfo(np.float16).max):
            convert(logits, folder / "logits.npy", np.float16)
        else:
            same_file(logits, folder / "logits.npy")
        facts = {"finite": self._finite}
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
