"""What a component is, as plain facts: for `distbench info` and the reference pages."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from distbench.interfaces.component import Component
from distbench.interfaces.parameters import Range
from distbench.plugins.registry import Registry


def describe(kind: str, name: str, names: Registry) -> dict[str, Any]:
    """Facts that JSON can hold: origin, version, role, needs, description and parameters.

    Raises:
        UnknownNameError: There is no such component.
        PluginError: It cannot be loaded.
    """
    cls = names.load(kind, name)
    chief = cls.primary_field()
    return {
        "kind": kind,
        "name": name,
        "plugin": str(names.offer(kind, name).origin),
        "version": cls.version,
        "role": cls.role,
        "needs": sorted(getattr(cls, "needs", ())),
        "description": cls.description(),
        "parameters": [
            _parameter(key, field, key == chief) for key, field in cls.parameters().items()
        ],
    }


def _parameter(name: str, field: FieldInfo, primary: bool) -> dict[str, Any]:
    within = Range.of(field)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return {
        "name": name,
        "type": type_name(field.annotation),
        "default": _plain(default),
        "required": field.is_required(),
        "primary": primary,
        "tuned": within.table() if within else None,
        "description": field.description or "",
    }


def type_name(annotation: Any) -> str:
    """An annotation as a person reads it: the choices, or the names of the types."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in arguments)
    if annotation is type(None):
        return "none"
    if isinstance(annotation, type) and not arguments:
        return annotation.__name__
    if get_origin(annotation) is tuple and arguments[1:] == (...,):
        return f"{type_name(arguments[0])}, several"
    if get_origin(annotation) is Annotated:
        return type_name(arguments[0])
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(type_name(argument) for argument in arguments)
    if get_origin(annotation) is dict:
        return "table"
    return str(annotation).replace("typing.", "").replace("pathlib.", "")


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.label
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
