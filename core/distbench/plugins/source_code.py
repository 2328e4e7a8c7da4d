"""The code behind a plugin's component: every file whose edit may change what it computes.

These are the files of the package that it and its base classes lie in, data among them; for a
plugin file, the modules that it imports from beside it or from any folder that is no library, and
the files beside it, and modules in folders beside it, that it names. What a library computes is
told by the version that a row keeps of it.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

from distbench.interfaces.component import Component
from distbench.storage.hashing import digest, file_digest, folder_files
from distbench.storage.paths import without_links

_OWN = frozenset({"distbench", "distbench_builtin"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_LONGEST = 255
"""Characters of a file's name."""
_IMPORTERS = ("import_module", "__import__")


def class_digest(cls: type[Component]) -> str:
    """SHA-256 of all code of a component that is no built-in."""
    files: set[Path] = set()
    for base in cls.__mro__:
        top = base.__module__.partition(".")[0]
        if top not in _OWN and issubclass(base, Component):
            files |= _files_of_module(base.__module__)
        elif top not in _OWN and not _is_library(base.__module__):
            files |= _closure({without_links(str(sys.modules[base.__module__].__file__))})
    return _digest_of(files)


def plugin_file_digest(file: Path) -> str:
    """SHA-256 of a plugin file and of the modules of the user's that it imports.

    Raises:
        OSError: It cannot be read.
    """
    return _digest_of(_closure({without_links(file)}))


def _digest_of(files: set[Path]) -> str:
    """One file is its own digest; several count by the names they have among each other."""
    if len(files) == 1:
        return file_digest(next(iter(files)))
    root = _common_root(files)
    return digest({f.relative_to(root).as_posix(): file_digest(f) for f in sorted(files)})


def _common_root(files: set[Path]) -> Path:
    shared = set.intersection(*(set(file.parents) for file in files))
    return max(shared, key=lambda folder: len(folder.parts))


def _files_of_module(name: str) -> set[Path]:
    """Files of the outermost package that a module lies in, and what they import of the user's."""
    module = sys.modules[name]
    if not getattr(module, "__file__", None):
        return set()
    start = {without_links(str(module.__file__))}
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        package = sys.modules.get(".".join(parts[:depth]))
        if package is not None and getattr(package, "__file__", None):
            file = without_links(str(package.__file__))
            start |= set(_package_files(file)) if file.name == "__init__.py" else {file}
            break
    return _closure(start, _distributions_of(parts[0]))


def _package_files(init: Path) -> Iterator[Path]:
    return (f for f in folder_files(init.parent) if "__pycache__" not in f.parts)


def _closure(files: set[Path], distributions: frozenset[str] = frozenset()) -> set[Path]:
    """Files and all that they import, as far as it is no library."""
    known: set[Path] = set()
    while new := files - known:
        known |= new
        for file in new:
            if file.suffix == ".py":
                tree = _parsed(file)
                for name in _imported(tree):
                    files = files | _located(name, file.parent, distributions)
                files = files | _named(tree, file.parent)
    return known


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _named(tree: ast.Module, beside: Path) -> set[Path]:
    """Files beside a file whose names it holds as text, and modules in folders that it so names."""
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    files: set[Path] = set()
    for text in texts:
        if len(text) > _LONGEST or text.strip("./ ") == "" or "\0" in text or "\n" in text:
            continue
        path = beside / text
        if path.is_file() and not Path(text).is_absolute():
            files.add(without_links(path))
        elif path.is_dir() and without_links(path).is_relative_to(beside):
            files |= {without_links(f) for f in folder_files(path) if f.suffix == ".py"}
    return files


def _imported(tree: ast.Module) -> set[str]:
    """First parts of the names of the modules that a file imports, at its top or later."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            if not node.module:  # `from . import x` names modules beside the file
                names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and _callee(node) in _IMPORTERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.add(first.value)
    tops = {name.partition(".")[0] for name in names}
    return tops - _OWN - sys.stdlib_module_names - {""}


def _callee(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _located(name: str, beside: Path, distributions: frozenset[str]) -> set[Path]:
    """Files of a module or package by its name; none where it is a library or cannot be found."""
    spec = PathFinder.find_spec(name, [str(beside)]) or PathFinder.find_spec(name)
    if spec is None:
        return set()
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    origin = Path(spec.origin) if spec.has_location and spec.origin else None
    foreign = not distributions & _distributions_of(name)
    if foreign and _in_library(origin or next(iter(folders), Path())):
        return set()
    if not folders:
        return {without_links(origin)} if origin else set()
    files = {f for folder in folders for f in folder_files(without_links(folder))}
    return {file for file in files if "__pycache__" not in file.parts}


def _is_library(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is None or _in_library(Path(file))


def _in_library(path: Path) -> bool:
    """Whether a file was installed, in this environment or in another one on the path."""
    whole = without_links(path)
    return not _INSTALLED.isdisjoint(whole.parts) or any(
        whole.is_relative_to(folder) for folder in _libraries()
    )


@cache
def _libraries() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(without_links(folder) for folder in sorted(folders))


@cache
def _distributions_of(package: str) -> frozenset[str]:
    return frozenset(packages_distributions().get(package, ()))
