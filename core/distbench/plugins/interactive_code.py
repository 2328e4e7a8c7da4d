"""The code of a class that was typed into a notebook or a script, as a module that stands alone."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import math
import symtable
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from distbench.errors import ArgumentError

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_SEVERAL = (tuple, list, set, frozenset)


def module_text(cls: type) -> str:
    """A module with a class and all that it uses: imports, constants, functions and classes.

    Args:
        cls: A class of ``__main__``, at the top of a script or of a notebook's cell.

    Raises:
        ArgumentError: Its code cannot be found, or it uses a value that code cannot make again.
    """
    return _Collector(cls).text()


class _Collector:
    """Follows names from a class to whatever of ``__main__`` they stand for.

    Args:
        cls: The class.
    """

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self._around = vars(sys.modules[cls.__module__])
        self._imports: list[str] = []
        self._constants: list[str] = []
        self._definitions: list[str] = []
        self._known = {cls.__name__}
        self._define(cls)

    def text(self) -> str:
        """The whole module."""
        head = "from __future__ import annotations\n"
        parts = [
            head,
            "\n".join(sorted(self._imports)),
            "\n".join(self._constants),
            *self._definitions,
        ]
        return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    def _define(self, defined: type | FunctionType, name: str = "") -> None:
        code = _source(defined)
        if defined.__name__ == "<lambda>" and not _assigns(code, name):
            raise ArgumentError(
                f"{self._cls.__name__} uses {name!r}, a lambda that stands within other code; "
                f"write def {name}(...), or give it a line of its own: {name} = lambda ..."
            )
        for name in sorted(_globals_of(code)):
            if name in self._around and name not in self._known:
                self._known.add(name)
                self._bring(name, self._around[name])
        self._definitions.append(code)

    def _bring(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            self._imports.append(_imported("import", value.__name__, name))
        elif (place := _place_of(name, value)) is not None:
            module, attribute = place
            self._imports.append(_imported(f"from {module} import", attribute, name))
        elif isinstance(own := _undecorated(value), (type, FunctionType)) and (
            own.__module__ == self._cls.__module__
        ):
            self._bring_definition(name, own)
        elif (text := _plain_text(value)) is not None:
            self._constants.append(f"{name} = {text}")
        else:
            raise ArgumentError(
                f"{self._cls.__name__} uses {name!r}, a {type(value).__name__} that no other "
                "process can make again; make it a parameter, or write the class into a file and "
                'give plugin="FILE.py"'
            )

    def _bring_definition(self, name: str, defined: type | FunctionType) -> None:
        """A function or class of ``__main__``, under the name that it is used by."""
        if defined.__name__ in (name, "<lambda>"):
            self._define(defined, name)
            return
        if defined.__name__ not in self._known:
            self._known.add(defined.__name__)
            self._define(defined)
        self._definitions.append(f"{name} = {defined.__name__}")


def _undecorated(value: Any) -> Any:
    """A function beneath what `functools.wraps` and `functools.cache` put around it."""
    return value if isinstance(value, type) else inspect.unwrap(value) if callable(value) else value


def _imported(words: str, wanted: str, name: str) -> str:
    return f"{words} {wanted}" if wanted == name else f"{words} {wanted} as {name}"


def _place_of(name: str, value: Any) -> tuple[str, str] | None:
    """Module and attribute that a value can be imported from."""
    module = getattr(value, "__module__", None)
    if isinstance(module, str) and module.startswith("distbench."):
        import distbench

        if getattr(distbench, name, None) is value:
            return "distbench", name
    if not isinstance(module, str) or module == "__main__" or module not in sys.modules:
        return None
    around = vars(sys.modules[module])
    names = (getattr(value, "__qualname__", None), getattr(value, "_name", None), name)
    return next(((module, n) for n in names if isinstance(n, str) and around.get(n) is value), None)


def _plain_text(value: Any) -> str | None:
    """Code that makes a value again; None where no code does."""
    if isinstance(value, Path):
        return f"__import__('pathlib').Path({str(value)!r})"
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is float and not math.isfinite(value):
        return f"float({str(value)!r})"
    if type(value) is dict:
        items = [(_plain_text(key), _plain_text(item)) for key, item in value.items()]
        known = all(key is not None and item is not None for key, item in items)
        return f"{{{', '.join(f'{key}: {item}' for key, item in items)}}}" if known else None
    if type(value) in _SEVERAL:
        parts = [_plain_text(part) for part in value]
        listed = ", ".join(part for part in parts if part is not None)
        return f"{type(value).__name__}([{listed}])" if None not in parts else None
    return repr(value) if type(value) in _PLAIN else None


def _assigns(code: str, name: str) -> bool:
    """Whether code is one line that gives a value a name."""
    try:
        (line,) = ast.parse(code).body
    except (SyntaxError, ValueError):
        return False
    targets = line.targets if isinstance(line, ast.Assign) else ()
    return [t.id for t in targets if isinstance(t, ast.Name)] == [name]


def _source(defined: type | FunctionType) -> str:
    """The code of a class or function, at the margin.

    Raises:
        ArgumentError: It cannot be found.
    """
    found = _as_inspected(defined) or _of_a_cell(defined)
    if found is None:
        raise ArgumentError(
            f"the code of {defined.__name__} cannot be found; write it into a file and give "
            'plugin="FILE.py"'
        )
    return found


def _as_inspected(defined: type | FunctionType) -> str | None:
    try:
        return textwrap.dedent(inspect.getsource(defined))
    except (OSError, TypeError):
        return None


def _of_a_cell(defined: type | FunctionType) -> str | None:
    """A class by the cell that its functions were typed into."""
    for function in _functions(defined):
        code = function.__code__
        lines = linecache.getlines(code.co_filename)
        for node in _classes(lines):
            inside = node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
            if node.name == defined.__name__ and inside:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                return "".join(lines[first - 1 : node.end_lineno])
    return None


def _functions(defined: type | FunctionType) -> Iterator[FunctionType]:
    for value in vars(defined).values():
        inner = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(inner, FunctionType) and inner.__module__ == defined.__module__:
            yield inner


def _classes(lines: list[str]) -> list[ast.ClassDef]:
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:  # a cell with commands of the notebook
        return []
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def _globals_of(code: str) -> set[str]:
    """Names that code takes from its module, those in annotations too."""
    names: set[str] = set()
    tables = [symtable.symtable(code, "<code>", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            outer = symbol.is_global() or table.get_type() == "module"
            if outer and symbol.is_referenced():
                names.add(symbol.get_name())
    return names - set(vars(builtins))
