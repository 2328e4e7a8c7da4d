"""Without the libraries that train: what reads results works, what trains says what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "torchvision", "timm", "datasets", "onnx", "onnxruntime"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""


def without(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False
    )


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return without(f"from distbench.cli import main\nsys.argv[1:] = {list(arguments)!r}\nmain()")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("leaderboard", str(ROOT / "registry" / "results"), "--output", "board"),
        ("validate", str(ROOT / "registry/results/mini-distbench-ceiling.distbench.zip")),
        ("list", "students"),
        ("info", "distiller", "pseudo_labels"),
        ("env",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_it_works(arguments: tuple[str, ...]) -> None:
    if arguments[0] in ("leaderboard", "validate") and not (ROOT / "registry").is_dir():
        pytest.skip("needs the registry of the repository")
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("zoo", "build", "x"), ("rank", "--task", "mini-cub")], ids=lambda words: words[0]
)
def test_it_says_what_to_install(arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    said = "torch is not installed, which this needs: pip install 'distbench[train]'"
    assert done.stderr.splitlines()[-1] == f"distbench: {said}"


def test_functions_say_so_too_and_arrays_need_none_of_it() -> None:
    done = without(
        "import numpy as np, distbench\n"
        "draw = np.random.default_rng(0)\n"
        "labels = np.arange(60) % 3\n"
        "features = draw.normal(size=(60, 8)) + labels[:, None]\n"
        "print(distbench.rank(features={'a': features, 'b': features[::-1]}, labels=labels))\n"
        "try: distbench.rank(task='mini-cub')\n"
        "except distbench.UsageError as error: print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("pip install 'distbench[train]'")
