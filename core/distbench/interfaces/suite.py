"""The contract of suites, and what a suite file holds: tasks, zoo, student, protocol, settings."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from distbench.interfaces.component import Component
from distbench.storage.grown import Grown
from distbench.storage.paths import without_links
from distbench.storage.toml import read_toml


class Suite(Component, ABC):
    """A named, versioned set of tasks with zoo, student, protocol and settings."""

    @abstractmethod
    def definition(self) -> SuiteDefinition:
        """The suite itself.

        Raises:
            UsageError: It cannot be read.
        """


Value = str | dict[str, Any]
"""A component as written in a file: a specification, or a table with ``use`` and parameters."""

MOST_SEEDS = 10_000
_BUDGET = re.compile(r"(\d+)-per-class")


class Protocol(Grown):
    """Everything besides tasks, zoo and student that a result depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    later: ClassVar = frozenset({"flip", "crop", "store", "deterministic", "compile"})

    version: int = Field(1, description="of the rules of training and splitting")
    labelled: float | str = Field(
        1.0, description="share of the labels of train that is used, or N-per-class"
    )
    validation: float = Field(0.1, ge=0, lt=1, description="share of train kept for validation")
    image_size: int = Field(224, ge=8, le=8192, description="side of the student's input, pixels")
    store_size: int = Field(
        256, ge=8, description="side at which images are kept for networks that take none larger"
    )
    steps: int = Field(
        1000, ge=1, le=10**9, description="optimiser steps of a student, over all phases"
    )
    batch: int = Field(
        64, ge=1, le=10**6, description="labelled images of a step; batches of others follow"
    )
    threads: int = Field(1, ge=1, le=1024, description="CPU threads of a cell")
    probe_size: int = Field(500, ge=2, description="labelled images that a metric sees at most")
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = Field(
        "fp32", description="of training and of sources; it takes effect on CUDA"
    )
    flip: bool = Field(
        True,
        description="whether training mirrors images; false where left and right matter, as in "
        "signs, digits and X-rays",
    )
    crop: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of a stored image's side, about its centre, that the student is shown: "
        "0.875 of 256 pixels are the usual 224",
    )
    store: Literal["pixels", "jpeg"] = Field(
        "pixels",
        description="how images are kept; jpeg takes about a seventh of the disk, changes the "
        "pixels a little and is decoded whenever it is read",
    )
    deterministic: bool = Field(
        True,
        description="whether rows are bit-equal from one time to the next; false lets cuDNN take "
        "whatever is fastest on a GPU",
    )
    compile: bool = Field(
        False,
        description="whether torch's compiler makes the backbone that is trained: a minute or more "
        "once a process, faster steps on a GPU",
    )
    seeds: int = Field(
        1, ge=1, le=MOST_SEEDS, description="how many seeds a run has; no cell depends on it"
    )

    def of_a_cell(self) -> dict[str, Any]:
        """What one cell depends on: all but the number of seeds."""
        return self.model_dump(exclude={"seeds"})

    def changed_from(self, other: Protocol) -> dict[str, tuple[Any, Any]]:
        """What a cell depends on and is not the same: by its name, the value here and there."""
        names = (name for name in Protocol.model_fields if name != "seeds")
        both = {name: (getattr(self, name), getattr(other, name)) for name in names}
        return {name: (ours, theirs) for name, (ours, theirs) in both.items() if ours != theirs}

    @field_validator("labelled")
    @classmethod
    def _budget(cls, value: float | str) -> float | str:
        if isinstance(value, str):
            if match := _BUDGET.fullmatch(value):
                if int(match[1]) < 1:
                    raise ValueError("at least one label a class is needed")
                return value
            try:
                value = float(value)
            except ValueError:
                raise ValueError(
                    "write a share such as 0.2, or a count such as 5-per-class"
                ) from None
        if not 0 < value <= 1:
            raise ValueError("a share of labels lies between 0 and 1; a count is 5-per-class")
        return value

    @property
    def per_class(self) -> int | None:
        """Labels of each class, where the budget is given so."""
        match = _BUDGET.fullmatch(self.labelled) if isinstance(self.labelled, str) else None
        return int(match[1]) if match else None


class TaskEntry(BaseModel):
    """A task of a suite: how it is called here and which component it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="its name in this suite")
    use: str = Field(description="the component, e.g. folder:path=my_images")
    seen_by: tuple[str, ...] = Field(
        (), description="data sets whose models have seen images of this task"
    )
    group: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$",
        description="name that it shares with tasks of the same data or kind, which a leaderboard "
        "counts as one",
    )
    flip: bool = Field(
        True,
        description="false: its images are not mirrored, whatever the protocol says; the option "
        "--flip of a run wins over it",
    )
    measure: str | None = Field(
        None,
        description="what methods are compared by on it, e.g. auroc, unless a leaderboard is "
        "asked for another measure; accuracy where none is named",
    )

    def component(self) -> Value:
        """What the registry makes the task from."""
        return {"use": self.use, **(self.model_extra or {})}


class Tuning(BaseModel):
    """On what `distbench tune` chooses the settings of a suite: never on its tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[Value, ...] = Field((), description="development tasks; names may hold * and ?")
    validation: float | None = Field(
        None, ge=0, lt=1, description="share of their train images kept for validation"
    )
    seeds: int | None = Field(None, ge=1, le=MOST_SEEDS, description="seeds of a trial")
    ranges: dict[str, dict[str, Any]] = Field(
        {}, description="tables `[tuning.ranges.NAME]` of where parameters are sought"
    )


class SuiteDefinition(BaseModel):
    """A suite as a file holds it.

    `settings` maps a component's name to the parameters that it takes in this suite unless the
    user says otherwise; they were chosen on development tasks. Where components of two kinds have
    one name, the kind stands before it: ``[settings.baseline.linear_probe]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the suite")
    version: int = Field(ge=1, description="raised with every change; versions share no table")
    zoo: Value | None = Field(None, description="the source models")
    generalist: str | None = Field(None, description="source that plays the one general teacher")
    metric: Value | None = Field(None, description="what scores sources where a run names none")
    reference: Value = Field(
        "finetune", description="baseline that trains the student whose features are the reference"
    )
    overlap: Literal["exclude", "allow"] = Field(
        "exclude", description="what becomes of sources that saw a task"
    )
    student: Value = Field(description="the network that is trained, with its initialisation")
    protocol: Protocol = Field(Protocol(), description="a table, see below")
    tasks: tuple[TaskEntry, ...] = Field((), description="tables, see below")
    settings: dict[str, dict[str, Any]] = Field(
        {}, description="tables `[settings.NAME]` of a component's parameters"
    )
    tuning: Tuning = Field(Tuning(), description="a table, see below")
    base: SkipJsonSchema[Path] = Field(default_factory=Path.cwd, exclude=True)

    @field_validator("tasks")
    @classmethod
    def _distinct(cls, tasks: tuple[TaskEntry, ...]) -> tuple[TaskEntry, ...]:
        ids = [task.id for task in tasks]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"task ids must differ, but {', '.join(twice)} stand twice")
        return tasks

    @classmethod
    def from_toml(cls, path: Path) -> SuiteDefinition:
        """Reads a suite; relative paths in it start from its folder.

        Raises:
            UsageError: The file is missing, no TOML, or holds an unknown key or a wrong value.
        """
        return read_toml(cls, path, "suite", base=without_links(path.parent))


METHOD_KINDS = ("distiller", "strategy", "metric", "baseline")
"""The kinds of components that methods are made of, and that a suite has settings for."""


def settings_of(settings: Mapping[str, Mapping[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """A component's parameters in a suite, from the suite's `settings`."""
    if name in METHOD_KINDS:
        return {}
    return {**settings.get(name, {}), **settings.get(kind, {}).get(name, {})}
