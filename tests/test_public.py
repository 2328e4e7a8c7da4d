"""The public interface: every name is there, and the walls of the house stand."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
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


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Checks the contracts of pyproject.toml on the packages below a folder."""
    path = os.pathsep.join(str(root / part) for part in ("core", "plugins"))
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_arrows_go_downwards() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout
    assert "Contracts: 8 kept, 0 broken" in checked.stdout


UPWARD = {
    "core/distbench/storage/atomic.py": "def lazy():\n    from distbench.cli import app\n",
    "core/distbench/engine/cell.py": "if TYPE_CHECKING:\n    import distbench.leaderboard\n",
    "core/distbench/planning/keys.py": "import distbench_builtin\n",
    "core/distbench/engine/training/loop.py": "import distbench.engine.stages.score\n",
    "plugins/distbench_builtin/metrics/logme.py": "def lazy():\n    import distbench.storage.npy\n",
    "plugins/distbench_builtin/strategies/top.py": "import distbench_builtin.metrics.parc\n",
    "plugins/distbench_builtin/metrics/leep.py": "import distbench_builtin.metrics.planted\n",
}


def test_an_arrow_that_must_not_be_is_found(tmp_path: Path) -> None:
    """Upward imports, lazy and type-checking ones too, and a circle, are planted in a copy."""
    for part in ("core", "plugins"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in UPWARD.items():
        with (tmp_path / file).open("a") as planted:
            planted.write(line)
    circle = tmp_path / "plugins/distbench_builtin/metrics/planted.py"
    circle.write_text("import distbench_builtin.metrics.leep\n")
    checked = lint_imports(tmp_path)
    assert checked.returncode == 1
    report = " ".join(checked.stdout.split())
    for arrow in (
        "distbench.storage.atomic -> distbench.cli",
        "distbench.engine.cell -> distbench.leaderboard",
        "distbench.planning.keys -> distbench_builtin",
        "distbench.engine.training.loop -> distbench.engine.stages.score",
        "distbench_builtin.metrics.logme -> distbench.storage.npy",
        "distbench_builtin.strategies.top -> distbench_builtin.metrics.parc",
        "No circles BROKEN",
        ".planted -> .leep",
    ):
        assert arrow in report, arrow


@pytest.mark.slow
def test_the_engine_does_not_go_through_its_own_facade() -> None:
    """`from distbench import run` in a lower package would be an arrow that no linter sees."""
    for file in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "distbench":
                names = {alias.name for alias in node.names}
                assert not names & (set(distbench.__all__) - {"__version__"}), (
                    f"{file}:{node.lineno}"
                )


def test_no_public_name_is_hidden_by_a_module() -> None:
    """Importing ``distbench.run`` as a module would replace the function of that name."""
    folder = Path(distbench.__file__).parent
    modules = {path.stem for path in folder.iterdir() if not path.name.startswith("__")}
    assert modules & set(distbench.__all__) == set()
