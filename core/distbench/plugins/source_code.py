"""The code behind a plugin's component: every file whose edit may change what it computes.

These are the files of the package that it and its base classes lie in, data among them; for a
plugin file, the modules that it imports from beside it or from any folder that is no library, and
the files and folders that it names. What a library computes is told by the version that a row keeps
of it.
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

from distbench.interfaces.component import Component
from distbench.plugins.named_paths import asks_for_its_place, built_paths, texts_of
from distbench.storage.hashing import digest, file_digest, folder_files
from distbench.storage.paths import without_links

_OWN = frozenset({"distbench", "distbench_builtin"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_MOST_FILES = 1000
_MOST_BYTES = 64 * 2**20
"""Data in folders above which their files count by size and time."""
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
    return _digest_of(files, _data_of(files))


def plugin_file_digest(file: Path, *, data: bool = False) -> str:
    """SHA-256 of a plugin file, of the modules of the user's that it imports, and files it names.

    Args:
        file: The plugin.
        data: With the content of the folders that it names, in which a run may write.

    Raises:
        OSError: It cannot be read.
    """
    files = files_of_plugin(file)
    return _digest_of(files, _data_of(files) if data else set())


def files_of_plugin(file: Path) -> set[Path]:
    """A plugin file and the modules of the user's that it imports.

    Raises:
        OSError: It cannot be read.
    """
    return _closure({without_links(file)})


def _digest_of(files: set[Path], data: set[Path]) -> str:
    """One file is its own digest; several count by the names they have among each other."""
    if len(files | data) == 1:
        return file_digest(next(iter(files)))
    root, facts = common_root(files | data), {f: file_digest(f) for f in files}
    facts |= _facts_of_data(data)
    return digest({f.relative_to(root).as_posix(): facts[f] for f in sorted(facts)})


def _facts_of_data(data: set[Path]) -> dict[Path, str]:
    """What each file holds; of many files, or large ones, when they were written."""
    states = {file: file.stat() for file in data}
    many = len(data) > _MOST_FILES or sum(s.st_size for s in states.values()) > _MOST_BYTES
    return {
        file: f"{state.st_size} {state.st_mtime_ns}"
        if many or not os.access(file, os.R_OK)
        else file_digest(file)
        for file, state in states.items()
    }


def common_root(files: set[Path]) -> Path:
    """The innermost folder that holds all of them."""
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
            start |= set(_files_below(file.parent)) if file.name == "__init__.py" else {file}
            break
    installed = any(map(_in_library, start))
    return _closure(start, _distributions_of(parts[0]) if installed else frozenset())


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
                files = files | _named(tree, file)
    return known


def _parsed(file: Path) -> ast.Module:
    return _tree_of(file.read_bytes())


@lru_cache(maxsize=256)
def _tree_of(text: bytes) -> ast.Module:
    """The syntax tree of a module, which is not to be changed; an empty one where it has none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _named(tree: ast.Module, file: Path) -> set[Path]:
    """Files beside a file that it names, and modules that it names or that lie in such folders."""
    paths = _beside(tree, file)
    below = {f for path in paths | built_paths(tree, file) for f in _files_of(path)}
    modules = {f for f in below if f.suffix == ".py"}
    return modules | {without_links(path) for path in paths if path.is_file()}


def _beside(tree: ast.Module, file: Path) -> set[Path]:
    """Files, and folders below that of a file, whose names it holds as text."""
    # With a leading slash too: what a folder is put before.
    texts = {text.lstrip("/") for text in texts_of(tree)}
    paths = {file.parent / text for text in texts if not Path(text).is_absolute()}
    return {
        path
        for path in paths
        if path.is_file() or (path.is_dir() and file.parent in without_links(path).parents)
    }


def _data_of(files: set[Path]) -> set[Path]:
    """All that is named by code which asks where it lies, with all that is in folders."""
    data: set[Path] = set()
    for file in files:
        if file.suffix == ".py" and asks_for_its_place(tree := _parsed(file)):
            for path in _beside(tree, file) | built_paths(tree, file):
                data |= _files_of(path)
    return data - files


def _files_of(path: Path) -> set[Path]:
    """A file, or all files of a folder."""
    return {without_links(file) for file in ([path] if path.is_file() else _files_below(path))}


def _files_below(folder: Path) -> Iterator[Path]:
    return (f for f in folder_files(folder) if "__pycache__" not in f.parts)


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
    foreign = not distributions or not distributions & _distributions_of(name)
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


def _distributions_of(package: str) -> frozenset[str]:
    return frozenset(_distributions().get(package, ()))


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Installed packages with the distributions that they come from; reading them takes long."""
    return packages_distributions()
