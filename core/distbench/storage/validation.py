"""What a validation found, in the words of whoever has to mend it: a clause for each fault."""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from distbench.errors import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails


def faults_of(
    error: ValidationError, cls: type[BaseModel], missing: str = "{where!r} is missing"
) -> str:
    """All faults that a validation found, in one line.

    Args:
        error: The error.
        cls: What was validated.
        missing: How to say that a value is missing; ``where`` is its place.

    Example::

        >>> from pydantic import BaseModel, ValidationError
        >>> class Facts(BaseModel):
        ...     parameters: int
        >>> try:
        ...     Facts.model_validate({"parameters": "many"})
        ... except ValidationError as error:
        ...     print(faults_of(error, Facts))
        parameters='many' will not do: Input should be a valid integer...
    """
    by_place: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_place.setdefault(".".join(_place(detail["loc"], cls)), []).append(detail)
    return "; ".join(_clause(where, several, cls, missing) for where, several in by_place.items())


def _clause(where: str, details: list[ErrorDetails], cls: type[BaseModel], missing: str) -> str:
    first = details[0]
    if first["type"] == "extra_forbidden":
        *path, key = _place(first["loc"], cls)
        known = _model_at(path, cls).model_fields
        return f"unknown key {where!r}.{did_you_mean(key, known) or f' Known are {_listed(known)}'}"
    if first["type"] == "missing":
        return missing.format(where=where)
    reasons = [_reason(detail) for detail in details]
    reason = ", or ".join([reasons[0], *(one[:1].lower() + one[1:] for one in reasons[1:])])
    return f"{where}={first.get('input')!r} will not do: {reason}" if where else reason


def _reason(detail: ErrorDetails) -> str:
    """Why one value will not do."""
    if detail["type"] == "model_type" and hasattr(detail["input"], "model_fields_set"):
        return f"it is no {detail['ctx']['class_name']}"
    return detail["msg"].removeprefix("Value error, ")


def _listed(names: Iterable[str], most: int = 12) -> str:
    several = list(names)
    return ", ".join(several[:most]) + (", ..." if len(several) > most else "")


def _place(loc: tuple[int | str, ...], cls: type[BaseModel]) -> list[str]:
    """Where a fault lies, without what pydantic adds: tags of a union, types that were tried."""
    parts = [str(part) for part in loc]
    while len(parts) > 1 and parts[0] not in cls.model_fields:
        parts = parts[1:]
    for length in range(1, len(parts)):
        model = _model_at(parts[: length - 1], cls)
        field = model.model_fields.get(parts[length - 1])
        if field is not None and _has_several_types(field.annotation):
            return parts[:length]
    return parts


def _model_at(path: list[str], cls: type[BaseModel]) -> type[BaseModel]:
    """The model that a path of fields leads to, as far as it leads through models."""
    from pydantic import BaseModel

    for part in path:
        field = cls.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        cls = inner
    return cls


def _has_several_types(annotation: Any) -> bool:
    """Whether pydantic tries several types, and has an error for each."""
    types = [one for one in get_args(annotation) if one is not type(None)]
    return get_origin(annotation) in (Union, UnionType) and len(types) > 1
