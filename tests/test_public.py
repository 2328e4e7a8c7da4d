"""The public interface: every name is there, and the walls of the house stand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import distbench

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", distbench.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(distbench, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        distbench.nothing  # noqa: B018


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_arrows_that_must_never_be() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        used = imports(path)
        where = path.relative_to(ROOT / "core" / "distbench").as_posix()
        assert not {m for m in used if m.startswith("distbench_builtin")}, where
        if where.startswith("leaderboard/"):
            allowed = ("distbench.leaderboard", "distbench.storage", "distbench.errors")
            assert all(m.startswith(allowed) for m in used if m.startswith("distbench")), where
        if where.startswith("stages/"):
            assert not {m for m in used if m.startswith("distbench.cli")}, where
    for path in (ROOT / "plugins").rglob("*.py"):
        private = {m for m in imports(path) if m.startswith("distbench.") and "._" in m}
        assert not private, path


def test_no_public_name_is_hidden_by_a_module() -> None:
    """Importing ``distbench.run`` as a module would replace the function of that name."""
    folder = Path(distbench.__file__).parent
    modules = {path.stem for path in folder.iterdir() if not path.name.startswith("__")}
    assert modules & set(distbench.__all__) == set()
