"""The file from which a training goes on after its process was killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

_SECONDS = 60.0
"""What is lost at most."""


@dataclass
class Checkpoint:
    """Where a training is kept now and then.

    Attributes:
        file: Written whole or not at all; read if it is there and has the same key. Whoever needs
            it no longer deletes it.
        key: Everything that the numbers depend on, as a digest.
    """

    file: Path
    key: str
    _saved: float = field(default_factory=time.monotonic, init=False, repr=False)

    @property
    def _whole_key(self) -> str:
        # Other versions may name and order what an optimiser keeps otherwise.
        return f"{self.key} {torch.__version__}"

    def load(self) -> Mapping[str, Any] | None:
        """The state that was kept, on the CPU; None where there is none of this training."""
        try:
            held = torch.load(self.file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except Exception:  # half a file, or another version's: training begins again
            return None
        same = isinstance(held, dict) and held.get("key") == self._whole_key
        return held["state"] if same else None

    def save_if_due(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Keeps a state, unless one was kept less than a minute ago."""
        if time.monotonic() - self._saved < _SECONDS:
            return
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        torch.save({"key": self._whole_key, "state": state()}, draft)
        draft.replace(self.file)
        self._saved = time.monotonic()
