"""Files and folders that Python code names: by a text, or by a path built from ``__file__``.

Code is read, not run: what a path holds that is known only at run time is not followed.
"""

from __future__ import annotations

import ast
import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from distbench.storage.paths import without_links

_LONGEST = 255
"""Characters of a file's name."""
_SAME = frozenset({"Path", "str", "fspath", "abspath", "realpath", "resolve", "absolute"})
"""Functions and methods that give the path that they take."""
_FIELD = re.compile(r"%[-+ #0-9.]*[a-zA-Z]")
_BRACES = re.compile(r"\{[^{}]*\}")
"""What stands for a value in a text, for ``%`` and for `str.format`."""


def texts_of(tree: ast.Module) -> set[str]:
    """Texts in code that could be the name of a file."""
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if _could_name(text)}


def _could_name(text: str) -> bool:
    return len(text) <= _LONGEST and text.strip("./ ") != "" and text.isprintable()


def asks_for_its_place(tree: ast.Module) -> bool:
    """Whether code uses ``__file__``."""
    return any(isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(tree))


def built_paths(tree: ast.Module, file: Path) -> set[Path]:
    """What there is of the paths that code builds from ``__file__``.

    Args:
        tree: The code.
        file: Where it lies, absolute.

    Returns:
        Files, and folders that do not hold the file itself.
    """
    patterns = set(_Reader(tree, file).patterns()) if asks_for_its_place(tree) else set()
    names = {name for p in patterns for name in glob.iglob(p, recursive=True)}  # noqa: PTH207
    paths = set(map(without_links, names))
    return {path for path in paths if path.is_file() or not file.is_relative_to(path)}


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """What the names stand for that code gives a value once."""
    values: dict[str, ast.expr] = {}
    times: Counter[str] = Counter()
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name):
                times[target.id] += 1
                if isinstance(value, ast.expr):
                    values[target.id] = value
    return {name: value for name, value in values.items() if times[name] == 1}


class _Reader:
    """Reads expressions as patterns of `glob`; those alone are absolute that start at a file.

    Args:
        tree: The code.
        file: What ``__file__`` stands for.
    """

    def __init__(self, tree: ast.Module, file: Path) -> None:
        self._tree = tree
        self._file = glob.escape(str(file))
        self._values = _assigned(tree)

    def patterns(self) -> Iterator[str]:
        """The longest paths within the code."""
        nodes: list[ast.AST] = [self._tree]
        while nodes:
            node = nodes.pop()
            pattern = self._read(node)
            if pattern is not None and os.path.isabs(pattern):  # noqa: PTH117
                yield pattern
            else:
                nodes += ast.iter_child_nodes(node)

    def _read(self, node: ast.AST | None) -> str | None:
        match node:
            case ast.Constant(value=str(text)):
                return glob.escape(text) if text.isprintable() and text[:1] != "/" else None
            case ast.JoinedStr(values=values):
                return self._filled(values)
            case ast.Name(id="__file__"):
                return self._file
            case ast.Name(id=name):
                return self._value(name)
            case ast.Attribute(value=value, attr="parent"):
                return self._above(value, 1)
            case ast.Subscript(
                value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(n))
            ):
                return self._above(value, n + 1)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._strung([left, right])
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                return self._put_into(_FIELD.split(text), right)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"), args=args
            ):
                return self._put_into(_BRACES.split(text), ast.Tuple([*args]))
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args):
                return self._of_method(name, owner, args) or self._of_function(name, args)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._of_function(name, args)
        return None

    def _value(self, name: str) -> str | None:
        """Of a name; one that is defined by itself has none."""
        value = self._values.pop(name, None)
        if value is None:
            return None
        pattern = self._read(value)
        self._values[name] = value
        return pattern

    def _filled(self, values: Sequence[ast.expr]) -> str | None:
        """Of an f-string: what stands in it may be any part of a name."""
        whole = ""
        for value in values:
            if isinstance(value, ast.FormattedValue):
                whole += self._read(value.value) or "*"
            elif isinstance(value, ast.Constant):
                whole += glob.escape(str(value.value))
        return whole if whole.strip("*./") and whole.isprintable() else None

    def _strung(self, nodes: Sequence[ast.AST]) -> str | None:
        """Of texts one after the other, what is not known as any part of a name."""
        first = nodes[0]
        if isinstance(first, ast.Constant) and str(first.value)[:1] == "/":
            return None  # a place on somebody's machine
        whole = "".join(map(self._piece, nodes))
        return whole if whole.strip("*./") and whole.isprintable() else None

    def _piece(self, node: ast.AST) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return glob.escape(text)
            case ast.Attribute(attr="sep"):
                return "/"
        return self._read(node) or "*"

    def _put_into(self, texts: Sequence[str], given: ast.expr) -> str | None:
        """Of a text with fields between its parts, filled in their order."""
        values = given.elts if isinstance(given, ast.Tuple) else [given]
        nodes: list[ast.AST] = [ast.Constant(texts[0])] if texts[0] else []
        for i, text in enumerate(texts[1:]):
            nodes += [values[i] if i < len(values) else ast.Constant(None), ast.Constant(text)]
        return self._strung(nodes) if nodes else None

    def _above(self, node: ast.AST, levels: int) -> str | None:
        path = self._read(node)
        for _ in range(levels):
            path = path and os.path.dirname(path)  # noqa: PTH120
        return path or None

    def _joined(self, nodes: Sequence[ast.AST]) -> str | None:
        parts = [self._read(node) for node in nodes]
        known = [part for part in parts if part is not None]
        return os.path.join(*known) if known and len(known) == len(parts) else None  # noqa: PTH118

    def _of_method(self, name: str, owner: ast.expr, args: Sequence[ast.expr]) -> str | None:
        """Of ``owner.name(*args)``."""
        path, first = self._read(owner), self._read(args[0]) if args else None
        if path is None:
            return None
        folder, whole = os.path.split(path)
        match name:
            case "resolve" | "absolute" | "as_posix":
                return path
            case "joinpath":
                return self._joined([owner, *args])
            case "with_name" if first:
                return os.path.join(folder, first)  # noqa: PTH118
            case "with_stem" if first:
                return os.path.join(folder, first + os.path.splitext(whole)[1])  # noqa: PTH118, PTH122
            case "with_suffix" if first:
                return os.path.splitext(path)[0] + first  # noqa: PTH122
            case "glob" | "rglob" if first:
                below = ["**"] if name == "rglob" else []
                return os.path.join(path, *below, _wild(first))  # noqa: PTH118
        return None

    def _of_function(self, name: str, args: Sequence[ast.expr]) -> str | None:
        """Of ``name(*args)``, or a function of that name in a module."""
        if name in _SAME and len(args) == 1:
            return self._read(args[0])
        if name in ("join", "Path"):
            return self._joined(args)
        if name == "dirname" and args:
            return self._above(args[0], 1)
        if name in ("glob", "iglob") and args:
            pattern = self._read(args[0])
            return pattern and _wild(pattern)
        return None


def _wild(pattern: str) -> str:
    """A text as the pattern that it was meant to be."""
    return pattern.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[")
