"""TOML: files read into models, with one clear line for whatever is wrong, and values written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from distbench.errors import UsageError
from distbench.storage.validation import faults_of

M = TypeVar("M", bound=BaseModel)
_DEEP = re.compile(rb"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){100}")


def read_table(path: Path | str, what: str) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        UsageError: It cannot be read, or is no TOML.
    """
    try:
        return parse_toml(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {what} {str(path)!r}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def parse_toml(text: bytes) -> dict[str, Any]:
    """TOML as a table.

    Raises:
        ValueError: It is no TOML, or nested so deeply that reading it would take long.

    Example::

        >>> parse_toml(b'lr = 0.1')
        {'lr': 0.1}
    """
    if _DEEP.search(text):
        raise ValueError("a key has a hundred dots")
    try:
        return tomllib.loads(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_toml(cls: type[M], path: Path, what: str, **more: Any) -> M:
    """Reads a TOML file into a model, with one clear line for whatever is wrong.

    Raises:
        UsageError: As the line says.
    """
    table = read_table(path, what)
    try:
        return cls.model_validate({**table, **more})
    except ValidationError as error:
        raise UsageError(f"{path}: {faults_of(error, cls)}") from None


def toml_value(value: Any) -> str:
    """A value as TOML writes it; what is no number, list or table becomes a text.

    Example::

        >>> toml_value({"power": 9, "scores": [0.5, True]})
        '{ power = 9, scores = [0.5, true] }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    # A JSON string is a TOML string too, but for one character that JSON leaves as it is.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
