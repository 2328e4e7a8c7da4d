"""The first line of what a component says of itself, without importing what it needs."""

from __future__ import annotations

import ast
import inspect
from importlib.util import find_spec
from pathlib import Path

from distbench.plugins.discovery import Offer
from distbench.plugins.registry import Registry

_OWN = frozenset({"summary", "description"})


def summary_of(kind: str, name: str, names: Registry) -> str:
    """The summary of a component: of a built-in as its source has it, else of its class.

    Metrics need scipy, students torch: to import all of them for a list takes seconds.

    Raises:
        PluginError: It cannot be loaded.
    """
    offer = names.offer(kind, name)
    written = _written(offer) if offer.origin.builtin else None
    return names.load(kind, name).summary() if written is None else written


def _written(offer: Offer) -> str | None:
    """The first line of the docstring in the source; None where that does not tell."""
    if not isinstance(offer.target, str):
        return None
    module, _, attribute = offer.target.partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            text = ast.get_docstring(node, clean=False)
            return None if own & _OWN or not text else _first_line(text)
    return None


def _first_line(text: str) -> str:
    return inspect.cleandoc(text).partition("\n")[0]
