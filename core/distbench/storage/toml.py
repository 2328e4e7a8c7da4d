"""TOML files read into models, with one clear line for whatever is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from distbench.errors import UsageError

M = TypeVar("M", bound=BaseModel)


def read_toml(cls: type[M], path: Path, what: str, **more: Any) -> M:
    """Reads a TOML file into a model, with one clear line for whatever is wrong.

    Raises:
        UsageError: As the line says.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {what} {str(path)!r}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    try:
        return cls.model_validate({**table, **more})
    except ValidationError as error:
        raise UsageError(f"{path}: {explain(error, cls)}") from None


def explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """The first thing a validation found, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        import difflib

        key, model = str(first["loc"][-1]), cls
        for part in first["loc"][:-1]:
            inner = model.model_fields[part].annotation if part in model.model_fields else None
            model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
        near = difflib.get_close_matches(key, list(model.model_fields), n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {where!r}{guess}"
    if first["type"] == "missing":
        return f"{where!r} is missing"
    return (
        f"{where}={first.get('input')!r} will not do: {first['msg'].removeprefix('Value error, ')}"
    )
