"""What tuning leaves behind: its trials, the chosen settings, and the suite's fragment of TOML."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from distbench.storage.atomic import write_atomic
from distbench.storage.toml import toml_value

SCHEMA = 1


@dataclass(frozen=True)
class Trial:
    """One setting of a method, tried on all development tasks and seeds.

    Attributes:
        number: From 0 on.
        parameters: What was tried.
        value: Mean validation accuracy; None where a cell failed.
        tasks: Mean validation accuracy by task.
        reason: Why it failed.
        seconds: How long its cells took to compute, put one after the other.
    """

    number: int
    parameters: dict[str, Any]
    value: float | None
    tasks: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class MethodTrials:
    """All trials of one method.

    Attributes:
        method: Its name, without parameters.
        components: Kind to component with all that was settled beforehand, and nothing else.
        ranges: Where each parameter was looked for.
        trials: In the order in which they were made.
    """

    method: str
    components: dict[str, dict[str, Any]]
    ranges: dict[str, dict[str, Any]]
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The trial of highest value; of equal ones the first."""
        done = [trial for trial in self.trials if trial.value is not None]
        return max(done, key=lambda trial: (trial.value, -trial.number), default=None)


@dataclass(frozen=True)
class Tuned:
    """The outcome of `distbench tune`.

    Attributes:
        suite: Name of the suite.
        suite_version: Its version.
        protocol: The protocol of the trials.
        tasks: Id, specification and fingerprint of each development task.
        trials: Trials of each method.
        seed: Seed of the search.
        studies: The methods, in the order in which they were tuned.
        settings: The chosen settings, as a suite file holds them.
        warnings: What a person should know, one line each.
    """

    suite: str
    suite_version: int
    protocol: dict[str, Any]
    tasks: tuple[dict[str, Any], ...]
    trials: int
    seed: int
    studies: tuple[MethodTrials, ...]
    settings: dict[str, dict[str, Any]]
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        table = {"schema": SCHEMA, **asdict(self)}
        for row, study in zip(table["studies"], self.studies, strict=True):
            row["best"] = study.best.number if study.best else None
        return table

    def toml(self) -> str:
        """The chosen settings as a fragment for the suite's file."""
        seeds = self.protocol["seeds"]
        lines = [
            f"# Chosen by `distbench tune` for suite {self.suite}, version {self.suite_version}:",
            f"# the best of {self.trials} trials a method, by mean validation accuracy over "
            f"{seeds} seed{'s' * (seeds != 1)} of",
            f"# {', '.join(str(task['use']) for task in self.tasks)}.",
        ]
        for study in self.studies:
            if study.best is not None:
                lines.append(f"# {study.method}: {study.best.value:.4f}")
        for name, table in self.settings.items():
            inner = {k: v for k, v in table.items() if isinstance(v, dict)}
            own = {k: v for k, v in table.items() if not isinstance(v, dict)}
            for deeper, values in ([("", own)] if own else []) + list(inner.items()):
                lines += ["", f"[settings.{name}{'.' + deeper if deeper else ''}]"]
                lines += [f"{key} = {toml_value(value)}" for key, value in values.items()]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> Path:
        """Writes the fragment, and beside it all trials as JSON.

        Returns:
            Where the trials lie.
        """
        record = path.with_suffix(".json")
        write_atomic(record, json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n")
        write_atomic(path, self.toml())
        return record


def load_trials(path: Path) -> list[Trial]:
    """The trials that a search has made so far; none where the file is missing or unreadable."""
    try:
        return [Trial(**row) for row in from_json(path.read_bytes())]
    except (FileNotFoundError, ValueError, TypeError):  # they can all be made again
        return []


def save_trials(path: Path, trials: list[Trial]) -> None:
    """Keeps the trials of a search."""
    write_atomic(path, json.dumps([asdict(trial) for trial in trials]))
