"""What the class of a component declares beside its parameters, held against the contract."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from distbench.interfaces.component import Component, Role
from distbench.interfaces.measure import Answer, Measure, Target, Unit
from distbench.interfaces.method import Initialisation, LearnsFrom
from distbench.interfaces.metric import Metric, Need
from distbench.storage.hashing import canonical_json

_DECLARED: Mapping[str, Any] = {
    "version": int,
    "role": Role,
    "examples": tuple[str, ...],
    "declines": Mapping[str, str],
    "needs": frozenset[Need],
    "answers": frozenset[Answer],
    "needs_scores": bool,
    "higher_is_better": bool,
    "kinds": frozenset[Target],
    "unit": Unit,
    "initialisation": Initialisation,
    "learns_from": LearnsFrom,
}


def check_declared(component: Component) -> None:
    """Checks what distbench reads of a component before it asks it to do anything.

    Raises:
        ValueError: A class attribute is not of the kind that its contract says, the name is no
            text, or a parameter has a value that cannot be part of a key.
    """
    for name in _DECLARED:
        if hasattr(type(component), name):
            of_measure = name == "needs" and isinstance(component, Measure)
            _check("answers" if of_measure else name, getattr(component, name), name)
    if isinstance(component, Metric):
        _check("needs", component.needed(), "needed()")
    if not isinstance(component.name, str):
        raise ValueError(f"name is {component.name!r}; it should be a text")
    given = {
        "label": (component.label, str, "a text"),
        "identity()": (component.identity(), dict, "a dict"),
        "parts()": (component.parts(), dict, "a dict"),
        "paths()": (component.paths(), dict, "a dict"),
    }
    for name, (value, kind, shown) in given.items():
        if not isinstance(value, kind):
            raise ValueError(f"{name} is {value!r}; it should be {shown}")
    canonical_json(component.identity())


def _check(name: str, value: object, shown: str) -> None:
    try:
        _type_of(name).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{shown} = {value!r} will not do: {first['msg']}") from None


@cache
def _type_of(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_DECLARED[name])
