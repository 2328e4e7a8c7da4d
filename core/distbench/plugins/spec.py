"""The grammar by which a component is named: ``name[:VALUE][:key=value[,key=value]]``.

VALUE fills the component's primary field (``timm:mobilenetv3_small_100``); lists join with ``+``;
``none`` is no value, where a parameter may go without; a value with commas, plus signs or spaces
is put in double quotes, and so is a component with parameters of its own
(``plasticity:of="knn:k=5"``); ``arguments.pad_type=same`` sets one entry of a field that is a
mapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from distbench.errors import UsageError
from distbench.interfaces.component import Component
from distbench.storage.paths import at_home
from distbench.storage.validation import faults_of

_PARAMS = re.compile(r":(?=[A-Za-z_][\w.]*=)")
_INSIDE = re.compile(r",(?=[A-Za-z_][\w.]*=)")
_PAIR = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"]*)"|[^,"]*)(?:,|$)')


def parse(text: str) -> tuple[str, str | None, dict[str, str]]:
    """Splits a specification into name, VALUE and raw parameters.

    Raises:
        UsageError: The text does not follow the grammar.
    """
    head, *tail = _PARAMS.split(text.strip(), maxsplit=1)
    name, colon, value = head.partition(":")
    if not name:
        raise UsageError(f"{text!r} has no name; write name[:VALUE][:key=value,...]")
    if colon and not value:
        raise UsageError(
            f"{text!r} has nothing after the colon; write name[:VALUE][:key=value,...]"
        )
    if colon and not value.startswith('"') and (inner := _INSIDE.search(value)):
        whole = f"{name}:{value[: inner.start()]}:{value[inner.start() + 1 :]}"
        raise UsageError(f"{text!r}: parameters follow a colon of their own; write {whole!r}")
    params: dict[str, str] = {}
    rest = tail[0] if tail else ""
    while rest:
        match = _PAIR.match(rest)
        if not match:
            raise UsageError(
                f"{text!r}: cannot read {rest!r}; write key=value[,key=value], and key.entry=value "
                'for an entry of a table. A value with commas stands in double quotes: key="a, b"'
            )
        key, raw = match.groups()
        if key in params:
            raise UsageError(f"{text!r} gives {key!r} twice")
        params[key] = raw[1:-1] if raw.startswith('"') else raw
        rest = rest[match.end() :]
    return name, value.strip('"') if colon else None, params


def build(
    cls: type[Component],
    name: str,
    value: str | None,
    params: Mapping[str, Any],
    *,
    shown: str,
    base: Path | None = None,
) -> Component:
    """Makes a component from the parts of its specification.

    Args:
        cls: The component's class.
        name: The name it is registered under.
        value: What fills its primary field, if anything.
        params: Its parameters: texts as typed, or values from a TOML file.
        shown: The specification as the user wrote it, for messages.
        base: Folder that relative paths start from; the working folder if None. ``~`` is the
            user's home folder.

    Raises:
        UsageError: A parameter is unknown, missing or has a wrong value.
    """
    fields = cls.parameters()
    given: dict[str, Any] = {}
    if value is not None:
        chief = cls.primary_field()
        if chief is None:
            raise UsageError(f"{shown!r}: {name} takes no value after the colon, only key=value")
        given[chief] = _value(value, fields[chief])
    for key, raw in params.items():
        outer, dot, inner = key.partition(".")
        if outer not in fields:
            offer = f"it takes {', '.join(fields)}" if fields else "it takes none"
            for table in filter(lambda key: _is_table(fields[key]), fields):
                offer += f"; {table}.{outer}=... is an entry of its {table}"
            raise UsageError(f"{shown!r}: {name} has no parameter {outer!r}; {offer}")
        if not dot and isinstance(raw, str) and _is_table(fields[key]):
            raise UsageError(f"{shown!r}: {key} is a table; write {key}.entry=value for each entry")
        if dot:
            given.setdefault(outer, {})[inner] = _scalar(raw) if isinstance(raw, str) else raw
        else:
            given[key] = _value(raw, fields[key]) if isinstance(raw, str) else raw
    try:
        component = cls(**given)
    except ValidationError as error:
        faults = faults_of(error, cls, missing=name + " needs {where}=...")
        raise UsageError(f"{shown!r}: {faults}") from None
    anchored = {
        key: (base or Path.cwd()) / at_home(path)
        for key, path in component
        if isinstance(path, Path) and not path.is_absolute()
    }
    return (component.model_copy(update=anchored) if anchored else component).named(name)


def type_of(cls: type[Component], key: str | None) -> Any:
    """The type of a parameter; of one that may be None, the other type."""
    field = cls.parameters().get(key or "")
    annotation = field.annotation if field else None
    others = [kind for kind in get_args(annotation) if kind is not type(None)]
    return others[0] if may_be_none(cls, key) and len(others) == 1 else annotation


def may_be_none(cls: type[Component], key: str | None) -> bool:
    """Whether a parameter may go without a value."""
    field = cls.parameters().get(key or "")
    return field is not None and type(None) in get_args(field.annotation)


def _value(raw: str, field: FieldInfo) -> Any:
    """A typed text as pydantic takes it: lists are split, ``none`` is None where that may be."""
    if raw == "none" and type(None) in get_args(field.annotation):
        return None
    if _is_list(field.annotation):
        return [part for part in raw.split("+") if part]
    return raw


def _is_table(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in (dict, Mapping)


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return origin in (tuple, list) or any(
        get_origin(arg) in (tuple, list) for arg in get_args(annotation) if origin is not dict
    )


def _scalar(raw: str) -> Any:
    """An entry of a mapping, which has no declared type: number, boolean or text."""
    if raw in ("true", "false"):
        return raw == "true"
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw
