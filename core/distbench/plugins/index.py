"""The index of known plugins: ``registry/plugins.toml``, which ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from distbench.interfaces.kinds import KINDS
from distbench.storage.toml import read_toml

INDEX = Path(__file__).with_name("known_plugins.toml")
"""In a checkout a link to ``registry/plugins.toml``, in a wheel its copy."""

_OWN = "distbench"


class KnownPlugin(BaseModel):
    """One entry of the index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    distribution: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    kinds: tuple[str, ...] = Field(min_length=1)
    summary: str = Field(min_length=10, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+\.$")
    licence: str = Field(pattern=r"^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$")
    homepage: str | None = Field(None, pattern=r"^https://[^\s<>\"]+$")
    example: bool = False

    @field_validator("kinds")
    @classmethod
    def _there_are(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(kinds) - set(KINDS)):
            raise ValueError(f"there is no kind {unknown[0]!r}; kinds are {', '.join(KINDS)}")
        if len(set(kinds)) < len(kinds):
            raise ValueError("a kind stands twice")
        return kinds

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.homepage is None and not self.example and self.distribution != _OWN:
            raise ValueError("a homepage is needed")
        return self


class Index(BaseModel):
    """The index as the file holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = Field(alias="schema")
    plugin: tuple[KnownPlugin, ...]

    @field_validator("plugin")
    @classmethod
    def _distinct(cls, plugins: tuple[KnownPlugin, ...]) -> tuple[KnownPlugin, ...]:
        for what in ("name", "distribution"):
            names = [getattr(p, what).lower().replace("_", "-").replace(".", "-") for p in plugins]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} {twice[0]!r} stands twice")
        return plugins


def known_plugins(path: Path = INDEX) -> tuple[KnownPlugin, ...]:
    """The plugins that the index lists.

    Raises:
        UsageError: The index cannot be read; says which entry and what.
    """
    return read_toml(Index, path, "the index of plugins").plugin
