"""What a reporter records of a cell: flat settings, numbers, and text without secrets."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from distbench import Reporter, Row, RunFacts, UsageError, harmless_text

Scalar = bool | int | float | str


class CellReporter(Reporter, ABC):
    """A reporter that records a cell alike whether it was kept, is done or failed."""

    _run: RunFacts | None = PrivateAttr(None)

    def started(self, run: RunFacts) -> None:
        self._run = run

    def cell_cached(self, row: Row) -> None:
        self.record(row)

    def cell_finished(self, row: Row) -> None:
        self.record(row)

    def cell_failed(self, row: Row) -> None:
        self.record(row)

    @abstractmethod
    def record(self, row: Row) -> None:
        """Writes a cell."""


def require(reporter: str, *modules: str) -> None:
    """Refuses to begin without the packages of a reporter.

    Raises:
        UsageError: One is missing; names the extra that brings it.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"reporter {reporter} needs the package {missing[0]!r}, which is not installed: "
            f"pip install 'distbench[{reporter}]'"
        )


def make_folder(reporter: str, folder: Path) -> None:
    """Makes the folder that a reporter writes to.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"reporter {reporter} cannot write to {folder}: {error.strerror or error}"
        ) from None


def cell_id(row: Row) -> str:
    """A cell as plans and commands name it: ``TASK:METHOD:SEED``."""
    return f"{row.task.id}:{row.method.id}:{row.seed}"


def parameters(row: Row) -> dict[str, Scalar]:
    """What was set: suite, task, seed, the components with their parameters, the protocol.

    Nothing of the machine, of its files or of the environment is among it.
    """
    settings: dict[str, Scalar] = {
        "suite": row.suite,
        "suite_version": row.suite_version,
        "task": row.task.id,
        "method": row.method.id,
        "role": row.method.role,
        "seed": row.seed,
        "student": _named(row.student),
    }
    if row.zoo:
        settings["zoo"] = row.zoo
    for kind, identity in row.method.components.items():
        settings[kind] = _named(identity)
        settings |= _flat(f"{kind}.", identity.get("params", {}))
    return settings | _flat("protocol.", row.protocol)


def numbers(row: Row) -> dict[str, float]:
    """What was measured: accuracies of a cell that is done, and its costs."""
    values: dict[str, float] = {}
    if row.result is not None:
        values["accuracy"] = row.result.accuracy
        values["balanced_accuracy"] = row.result.balanced_accuracy
        if row.result.validation_accuracy is not None:
            values["validation_accuracy"] = row.result.validation_accuracy
    if row.cost is not None:
        costs = row.cost.model_dump()
        values |= {f"cost.{k}": float(v) for k, v in costs.items() if isinstance(v, (int, float))}
    return values


def curve(row: Row) -> list[tuple[int, dict[str, float]]]:
    """The learning curve: for each of its steps the training loss and what validation gave."""
    points = []
    for point in row.result.curve if row.result else ():
        at = {"train_loss": point.loss}
        if point.validation_accuracy is not None:
            at["curve_validation_accuracy"] = point.validation_accuracy
        points.append((point.step, at))
    return points


def reason(row: Row) -> str:
    """Why a cell is not done, without secrets; empty if it is."""
    return clean(row.reason or "")


def clean(text: str) -> str:
    """A text without what must not leave the machine: secrets, and the path of the user's home."""
    text = harmless_text(text)
    home = str(Path.home())
    return text if home in ("/", "") else text.replace(home, "~")


def safe(name: str) -> str:
    """A name that is one plain part of a path on every system."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", name).strip(".-") or "unnamed"


def _named(identity: Mapping[str, Any]) -> str:
    """A component's name, with its primary choice where an architecture is one."""
    architecture = identity.get("params", {}).get("architecture")
    name = str(identity.get("name", ""))
    return f"{name}:{architecture}" if architecture else name


def _flat(prefix: str, table: Mapping[str, Any]) -> dict[str, Scalar]:
    entries: dict[str, Scalar] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            entries |= _flat(f"{prefix}{key}.", value)
        elif isinstance(value, (bool, int, float)):
            entries[f"{prefix}{key}"] = value
        elif value is not None:
            entries[f"{prefix}{key}"] = clean(str(value))
    return entries
