"""Classes and objects in place of names: how a notebook's component reaches other processes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distbench.errors import ArgumentError
from distbench.interfaces.component import Component, snake_case
from distbench.interfaces.kinds import KINDS, kind_of
from distbench.plugins.component_identity import as_table
from distbench.plugins.discovery import plural
from distbench.plugins.interactive_code import module_text
from distbench.plugins.registry import Registry, Specification, registry
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import digest
from distbench.storage.home import home
from distbench.storage.validation import faults_of


def with_specifications(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run in which every component that was given as such is named instead.

    One that no plugin offers gets a plugin file of its own below ``$DISTBENCH_HOME/plugins``: its
    module is imported there; a class of a notebook or script, which no other process could import,
    is written into it with all that it uses. So workers find it, and its code counts for the keys
    of cells as that of any plugin file.

    Args:
        options: By name; `metric` and other kinds may be classes or objects, one or several.

    Raises:
        ArgumentError: Something is of the wrong kind, called like another one, or cannot be found
            again by its code.
    """
    given = {kind: _several(options[kind]) for kind in KINDS if kind in options}
    if not any(map(_is_object, [value for values in given.values() for value in values])):
        return dict(options)
    plugins = tuple(map(Path, _several(options.get("plugin") or ())))
    writer = _PluginWriter(registry(plugins))
    named = dict(options)
    for kind, values in given.items():
        tables = tuple(
            writer.specification(kind, value) if _is_object(value) else value for value in values
        )
        named[kind] = tables if isinstance(options[kind], (list, tuple)) else tables[0]
    named["plugin"] = (*plugins, *writer.files)
    return named


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _is_object(value: Any) -> bool:
    return not (value is None or isinstance(value, (str, Path, Mapping)))


class _PluginWriter:
    """Names components, and writes a file for each class that has no name yet.

    Args:
        names: What is offered without them.

    Attributes:
        files: What was written.
    """

    def __init__(self, names: Registry) -> None:
        self._names = names
        self._named: dict[type[Component], str] = {}
        self._written_names: set[tuple[str, str]] = set()
        self.files: list[Path] = []

    def specification(self, kind: str, value: Any) -> Specification:
        """A class or object as a table that the registry makes it from."""
        return self._table(kind, made_of(kind, value))

    def _table(self, kind: str, component: Component) -> dict[str, Any]:
        table = as_table(component)
        for key, part in component.parts().items():
            table[key] = self._table(kind_of(type(part)), part)
        return {**table, "use": self._name(kind, type(component))}

    def _name(self, kind: str, cls: type[Component]) -> str:
        if cls not in self._named:
            self._named[cls] = self._names.name_of(kind, cls) or self._written(kind, cls)
        return self._named[cls]

    def _written(self, kind: str, cls: type[Component]) -> str:
        name = snake_case(cls.__name__)
        if name in self._names.names(kind) or (kind, name) in self._written_names:
            raise ArgumentError(
                f"{cls.__name__} would be the {kind} {name!r}, which there is already; give the "
                "class another name"
            )
        self._written_names.add((kind, name))
        text = _plugin_text(kind, name, cls)
        file = home() / "plugins" / f"{name}_{digest(text)[:12]}.py"
        if not file.is_file():
            write_atomic(file, text.encode())
        self.files.append(file)
        return name


def made_of(kind: str, value: Any) -> Component:
    """An object of a kind; a class is made with its defaults.

    Raises:
        ArgumentError: It is of another kind, or its class has a parameter without a default.
    """
    wanted = KINDS[kind]
    cls = value if isinstance(value, type) else type(value)
    if not issubclass(cls, wanted):
        raise ArgumentError(
            f"{kind}={value!r} will not do: give a name, or a class or object of "
            f"distbench.{wanted.__name__}"
        )
    if isinstance(value, Component):
        return value
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise ArgumentError(f"{kind}={cls.__name__} will not do: it has no {', '.join(missing)}()")
    try:
        component: Component = cls()
    except ValidationError as error:
        faults = faults_of(error, cls)
        raise ArgumentError(f"{kind}={cls.__name__} will not do: {faults}") from None
    return component


def _plugin_text(kind: str, name: str, cls: type[Component]) -> str:
    """A plugin file that offers a class.

    Raises:
        ArgumentError: It cannot be found again by its code.
    """
    if "." in cls.__qualname__:
        raise ArgumentError(
            f"{cls.__qualname__} lies within a function or class, where no other process finds it; "
            "define it at the top of a module, script or cell"
        )
    if cls.__module__ == "__main__":
        return module_text(cls)
    place = _folder_of(cls.__module__)
    return (
        f"import sys\n\nfrom distbench import hookimpl\n\nsys.path.append({str(place)!r})\n\n\n"
        f"@hookimpl\ndef distbench_{plural(kind)}():\n"
        f"    return {{{name!r}: {f'{cls.__module__}:{cls.__qualname__}'!r}}}\n"
    )


def _folder_of(module: str) -> Path:
    """The folder that a module's outermost package lies in.

    Raises:
        ArgumentError: It was not read from a file.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        raise ArgumentError(
            f"module {module!r} has no file, so that no other process can import it; write it into "
            "one"
        )
    depth = module.count(".") + (Path(file).name == "__init__.py")
    return Path(file).resolve().parents[depth]
