"""The page of what is in `distbench` besides components: what their methods are given and give."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from reference_text import HEAD, markdown, table, undocumented

import distbench
from distbench.interfaces.kinds import KINDS
from distbench.plugins.describe import type_name

_PACKAGES = ("interfaces", "api", "engine", "storage", "plugins", "errors")
_FIRST = ("context", "phase", "classifier", "probe", "metric", "zoo", "task", "student")


def types_page() -> str:
    """Every public class, function and alias that is no kind of component, module by module."""
    parts = [
        f"{HEAD}# Types",
        "What is imported from `distbench` besides the [contracts of components](index.md): what "
        "their methods are given, what they give back, and functions that help them. Shapes: n "
        "images, b of a batch, c classes, d features, s pixels a side.",
    ]
    for module, names in _by_module().items():
        shown = [name for name in names if getattr(distbench, name) not in KINDS.values()]
        if shown:
            parts.append(f"## {_first_line(module)}")
            for name in shown:
                parts += _described(name, getattr(distbench, name), module)
    return "\n\n".join(part for part in parts if part) + "\n"


def _by_module() -> dict[str, list[str]]:
    """Public names by the module that they are defined in, those of users first."""
    modules = {name: f"distbench.{home}" for name, home in distbench._MODULE_OF.items()}
    public = sorted(set(distbench.__all__) - {"__version__"}, key=str.lower)
    found: dict[str, list[str]] = {}
    for name in sorted(public, key=lambda n: _place(modules[n])):
        found.setdefault(modules[name], []).append(name)
    return found


def _place(module: str) -> tuple[int, int]:
    """Where a module stands on the page: what authors write against first."""
    _, package, *inner = module.split(".")
    return _PACKAGES.index(package), _FIRST.index(inner[0]) if inner and inner[0] in _FIRST else 99


def _first_line(module: str) -> str:
    return (importlib.import_module(module).__doc__ or "").partition("\n")[0].rstrip(".")


def _described(name: str, value: Any, module: str) -> Iterator[str]:
    yield f"### `{name}`"
    if isinstance(value, type):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield _code(f"{name}{_signature(value)}")
        yield _docstring(value, name)
    else:
        yield from _alias(name, module)


def _class(name: str, cls: type) -> Iterator[str]:
    model = isinstance(cls, type) and issubclass(cls, BaseModel)
    if not model and not issubclass(cls, BaseException):
        yield _code(f"{name}{_signature(cls)}")
    yield _docstring(cls, name)
    if model:
        yield _fields(cls)
    for key, member in vars(cls).items():
        if key.startswith("_") or (is_dataclass(cls) and key in cls.__dataclass_fields__):
            continue
        if any(key in vars(base) for base in cls.__mro__[1:]):
            continue  # described there
        function = getattr(member, "__func__", getattr(member, "func", member))
        if isinstance(member, property):
            yield f"`{name}.{key}`: {_docstring(member, f'{name}.{key}')}"
        elif inspect.isfunction(function) and member is not function and model:
            continue  # what pydantic and we ourselves make of it
        elif inspect.isfunction(function):
            called = "" if function is not member else _signature(function)
            yield f"`{name}.{key}{called}`: {_docstring(function, f'{name}.{key}')}"


def _fields(model: type[BaseModel]) -> str:
    rows = []
    for key, field in model.model_fields.items():
        if field.exclude:
            continue
        default = field.get_default(call_default_factory=True)
        shown = "required" if default is PydanticUndefined else default
        rows.append(
            [f"`{key}`", type_name(field.annotation), _short(shown), field.description or ""]
        )
    return table(rows, ["field", "type", "default", "what it is"]) if rows else ""


def _short(value: Any) -> str:
    return str(value) if isinstance(value, (bool, int, float, str)) else ""


def _alias(name: str, module: str) -> Iterator[str]:
    """An alias or a constant as its module writes it, with the text below it."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name:
            yield _code(ast.unparse(node))
            said = getattr(after, "value", None) if isinstance(after, ast.Expr) else None
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                yield markdown(said.value)
            else:
                undocumented.append(name)


def _docstring(value: Any, name: str) -> str:
    if not value.__doc__:
        undocumented.append(name)
    return markdown(value.__doc__)


def _code(text: str) -> str:
    wrapped = text if len(text) <= 100 else "\n".join(_one_a_line(text))
    return f"```text\n{wrapped}\n```"


def _one_a_line(text: str) -> Iterator[str]:
    """A call with each argument on a line of its own."""
    head, _, rest = text.partition("(")
    inner, close, result = rest.rpartition(")")
    yield f"{head}("
    depth, start = 0, 0
    for at, letter in enumerate(f"{inner}, "):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            yield textwrap.indent(f"{inner[start:at].strip()},", "    ")
            start = at + 1
    yield f"{close}{result}"


def _signature(called: Any) -> str:
    signature = inspect.signature(called)
    parameters = [_shown(one) for one in signature.parameters.values() if one.name != "self"]
    result = signature.return_annotation
    given = _Unquoted(result) if isinstance(result, str) else result
    text = str(signature.replace(parameters=parameters, return_annotation=given))
    for long in ("distbench.interfaces.", "collections.abc.", "typing.", " -> None"):
        text = text.replace(long, "")
    return text.replace("<factory>", "...")


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter with its annotation as it was written, and no function as default."""
    if isinstance(parameter.annotation, str):
        parameter = parameter.replace(annotation=_Unquoted(parameter.annotation))
    if inspect.isfunction(parameter.default):
        parameter = parameter.replace(default=_Unquoted("..."))
    return parameter


class _Unquoted(str):
    """An annotation as it was written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
