"""Packages of others: built, installed beside us, used by name; a broken one stops nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def call(*command: object) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "DISTBENCH_PLUGINS"}
    return subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, env=environment
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that sees our packages and has both plugins installed."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder / "env", with_pip=False)
    child = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    paths = sysconfig.get_paths(vars={"base": str(folder / "env"), "platbase": str(folder / "env")})
    ours = sysconfig.get_paths()["purelib"]
    site = Path(paths["purelib"])
    site.joinpath("parent.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    for name in ("good", "broken"):
        source = shutil.copytree(HERE / "thirdparty" / name, folder / name)
        done = call(
            sys.executable, "-m", "pip", "--python", child, "install", "--quiet", "--no-index",
            "--no-deps", "--no-build-isolation", "--disable-pip-version-check", source,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return child


@pytest.mark.slow
def test_it_is_used_by_name(python: Path) -> None:
    assert len((HERE / "thirdparty/good/distbench_good.py").read_text().splitlines()) <= 30
    done = call(
        python, "-m", "distbench", "run", "--plugin", HERE / "toys.py", "--task", "toy_task",
        "--zoo", "toy_zoo", "--student", "toy_student", "--metric", "width", "--strategy", "last:2",
        "--distiller", "pseudo_labels", "--baseline", "none", "--steps", "2", "--batch", "4",
        "--image-size", "16", "--name", "x", "--no-save-student",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pseudo_labels/last:2/width" in done.stdout
    row = json.loads(Path("runs/x/rows.jsonl").read_text())
    assert row["result"]["sources"]["weights"] == {"toy-0": 0.0, "toy-1": 0.5, "toy-2": 0.5}
    assert row["plugins"]["distbench-good"] == "1.2"


@pytest.mark.slow
def test_a_broken_one_is_listed_and_stops_nothing(python: Path) -> None:
    found = json.loads(call(python, "-m", "distbench", "plugins", "--json").stdout)
    errors = {plugin["plugin"]: plugin["error"] for plugin in found}
    assert errors["builtin"] is None and errors["good"] is None
    assert "unknown hook 'distbench_metricks'" in errors["broken"]
    assert "last" in call(python, "-m", "distbench", "list", "strategies").stdout
