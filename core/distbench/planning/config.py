"""What to run: one model for the command line, a TOML file and the Python interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from distbench.errors import UsageError
from distbench.interfaces.suite import MOST_SEEDS, Protocol, Value
from distbench.storage.paths import without_links
from distbench.storage.toml import read_toml
from distbench.storage.validation import faults_of

DEFAULT_SUITE = "mini"
DEFAULT_STUDENT = "timm:mobilenetv3_large_100"
MOST_SECONDS = 4_000_000
"""Of a limit: 46 days, less than what timers of any system take."""


class RunConfig(BaseModel):
    """One run. Names are those of the options of `distbench run`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str | None = None
    task: tuple[Value, ...] = ()
    zoo: Value | None = None
    student: Value | None = None
    metric: tuple[Value, ...] = ("logme",)
    strategy: tuple[Value, ...] = ("weighted",)
    distiller: tuple[Value, ...] = ("pseudo_labels",)
    baseline: tuple[Value, ...] = ("finetune", "fixmatch")
    seeds: int | None = Field(None, ge=1, le=MOST_SEEDS)
    first_seed: int = Field(0, ge=0, le=2**31 - 1)
    overlap: Literal["exclude", "allow"] | None = None
    measure: str | None = None

    labelled: float | str | None = None
    validation: float | None = None
    image_size: int | None = None
    steps: int | None = None
    batch: int | None = None
    threads: int | None = None
    probe_size: int | None = None
    precision: Literal["fp32", "tf32", "bf16", "fp16"] | None = None
    flip: bool | None = None
    crop: float | None = None
    store: Literal["pixels", "jpeg"] | None = None
    deterministic: bool | None = None
    compile: bool | None = None

    executor: Value = "local"
    workers: int | None = Field(None, ge=1, le=4096)
    timeout: float | None = Field(
        None,
        gt=0,
        le=MOST_SECONDS,
        description="seconds that a cell, or a job such as embedding, may take; all of `rank`",
    )
    retries: int = Field(1, ge=0, le=100)
    device: str = "auto"
    offline: bool = False
    plugin: tuple[Path, ...] = ()
    reporter: tuple[Value, ...] = ()
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=120)
    skip_corrupt: bool = False
    verify_data: bool = False
    save_student: bool | None = Field(
        None, description="keep the best student; by default where no suite is run"
    )

    _base: Path | None = PrivateAttr(None)
    _from_file: frozenset[str] = PrivateAttr(frozenset())

    @field_validator(
        *("task", "metric", "strategy", "distiller", "baseline", "reporter"),
        mode="before",
        json_schema_input_type=Value | tuple[Value, ...],
    )
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, (str, dict)) else value

    @field_validator("plugin", mode="before", json_schema_input_type=Path | tuple[Path, ...])
    @classmethod
    def _several_files(cls, value: Any) -> Any:
        return (value,) if isinstance(value, (str, Path)) else value

    @field_validator("zoo", mode="before", json_schema_input_type=Value | tuple[Value, ...] | None)
    @classmethod
    def _joined(cls, value: Any) -> Any:
        """Several zoos are one that joins them."""
        if not isinstance(value, (list, tuple)):
            return value
        if not value:
            return None
        *before, zoo = value
        for one in reversed(before):
            zoo = {"use": "joined", "one": one, "other": zoo}
        return zoo

    @classmethod
    def make(cls, file: Path | None = None, **options: Any) -> RunConfig:
        """A configuration from a TOML file and options; an option wins over the file.

        Args:
            file: A TOML file whose keys are option names; relative paths in it, those of its
                components too, start from its folder.
            options: Options; those that are None are left to the file and the defaults.

        Raises:
            UsageError: An unknown key or a wrong value.
        """
        given = {k: v for k, v in options.items() if v is not None and v != ()}
        base, from_file = None, frozenset[str]()
        if file is not None:
            base = without_links(file.parent)
            written = read_toml(cls, file, "configuration").model_dump(exclude_unset=True)
            if "plugin" in written:
                written["plugin"] = tuple(base / p for p in written["plugin"])
            if written.get("suite", "").endswith(".toml"):
                written["suite"] = str(base / written["suite"])
            from_file = frozenset(written.keys() - given.keys())
            given = {**written, **given}
        try:
            config = cls.model_validate(given)
        except ValidationError as error:
            raise UsageError(faults_of(error, cls)) from None
        config._base, config._from_file = base, from_file
        return config

    def base_of(self, key: str) -> Path | None:
        """The folder that relative paths of an option start from; None for the working folder."""
        return self._base if key in self._from_file else None

    def outranks(self, option: str, key: str) -> bool:
        """Whether an option was given with the command, and what it overrides in its file."""
        return option not in self._from_file and key in self._from_file

    def protocol(self, of_suite: Protocol) -> Protocol:
        """The suite's protocol with what this run overrides.

        Raises:
            UsageError: An overriding value will not do.
        """
        changes = {k: v for k in PROTOCOL_OPTIONS if (v := getattr(self, k)) is not None}
        if not changes:
            return of_suite
        try:
            return Protocol.model_validate({**of_suite.model_dump(), **changes})
        except ValidationError as error:
            raise UsageError(faults_of(error, Protocol)) from None


PROTOCOL_OPTIONS = tuple(name for name in Protocol.model_fields if name in RunConfig.model_fields)
"""Options that override the protocol of the suite."""
