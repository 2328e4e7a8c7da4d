"""JSON Schemas of the files that people write, from the models that read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.suite import SuiteDefinition, Tuning
from distbench.interfaces.zoo import Zoo
from distbench.planning.config import RunConfig
from distbench.plugins.index import Index
from distbench.plugins.registry import Registry
from distbench.storage.rows import Row
from distbench.submission.schema import schema_text
from distbench.workflows.zoos.build_zoo import TRAINED

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LOCAL = "local"

_SCHEMAS: Mapping[str, Callable[[Registry], Any]] = {
    "run": lambda names: RunConfig.model_json_schema(),
    "suite": lambda names: SuiteDefinition.model_json_schema(),
    "zoo": lambda names: _of_zoo(names, _LOCAL).model_json_schema(),
    "recipe": lambda names: _of_zoo(names, TRAINED).model_json_schema(),
    "ranges": lambda names: Tuning.model_json_schema()["properties"]["ranges"],
    "plugins": lambda names: Index.model_json_schema(),
    "bundle": lambda names: json.loads(schema_text()),
    "row": lambda names: Row.model_json_schema(),
}

SCHEMA_KINDS = tuple(_SCHEMAS)
"""The kinds of files that have a schema."""


def schema_of(kind: str, names: Registry) -> dict[str, Any]:
    """The JSON Schema of a kind of file, draft 2020-12.

    Args:
        kind: One of `SCHEMA_KINDS`.
        names: The installed components, whose zoos say what their files hold.

    Raises:
        UnknownNameError: There is no such kind.
        UsageError: The zoo that reads such files is not installed.
    """
    if kind not in _SCHEMAS:
        raise UnknownNameError(
            "kind of file", kind, SCHEMA_KINDS, f"Kinds are {', '.join(SCHEMA_KINDS)}."
        )
    return {"$schema": DRAFT, **_SCHEMAS[kind](names)}


def _of_zoo(names: Registry, zoo: str) -> type[BaseModel]:
    """The model of the file that a zoo reads."""
    component = names.load("zoo", zoo)
    form = component.file_form() if issubclass(component, Zoo) else None
    if form is None:
        raise UsageError(f"zoo {zoo!r} does not say what its file holds")
    return form
