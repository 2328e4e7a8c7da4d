"""Tasks with parameters that are called like attributes which every component has."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from distbench import Task


class AliasedTask(Task, ABC):
    """A task whose fields may have an alias: ``label`` and ``name`` are properties already.

    Such a parameter is a field under another name; everywhere a person sees or types it, it goes
    by its alias.
    """

    @classmethod
    def parameters(cls) -> dict[str, FieldInfo]:
        """The fields by the names that a person types."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @classmethod
    def primary_field(cls) -> str | None:
        """What ``name:VALUE`` fills."""
        found = super().primary_field()
        return None if found is None else cls.model_fields[found].alias or found

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """The parameters by the names that a person types, so that they can be read back."""
        return super().model_dump(**{"by_alias": True, **options})

    def typed(self, defaults: Mapping[str, Any] | None = None, *, whole_paths: bool = True) -> str:
        """The task as one would type it where other defaults hold."""
        text, rest, chief = self.name, [], self.primary_field()
        for name, field in type(self).model_fields.items():
            key, value = field.alias or name, getattr(self, name)
            if value == (defaults or {}).get(key, field.get_default(call_default_factory=True)):
                continue
            if isinstance(value, Path) and not whole_paths:
                value = value.name
            shown = "+".join(map(str, value)) if isinstance(value, tuple) else _written(value)
            if key == chief:
                text += f":{shown}"
            else:
                rest.append(f"{key}={shown}")
        return text + (":" + ",".join(rest) if rest else "")


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if any(sign in text for sign in ',+ "') else text
