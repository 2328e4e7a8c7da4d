"""TOML files read into models, with one clear line for whatever is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from distbench.errors import UsageError
from distbench.storage.validation import faults_of

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
        raise UsageError(f"{path}: {faults_of(error, cls)}") from None
