"""``pytest --distbench TARGET``: one test a component and check, and nothing without the option."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MINE = '''
from distbench import Strategy


class Mine(Strategy):
    """Equal weights; ours."""

    needs_scores = False
    declines = {"determinism": "declined here"}

    def weigh(self, scores, sources, context=None):
        return (scores * 0 + 1) / %s
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "test_own.py").write_text(
        "import sys\ndef test_own(): assert not {'torch', 'numpy'} & set(sys.modules)\n"
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_an_ordinary_run_imports_nothing_heavy(mine: Path) -> None:
    done = run(mine)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "--distbench=TARGET" in run(mine, "--help").stdout


@pytest.mark.slow
def test_checks_are_tests(mine: Path) -> None:
    (mine / "mine.py").write_text(MINE % "len(scores)")
    done = run(mine, "--distbench", "mine.py", "-k", "weights or determinism")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine.py::strategy:mine::weights PASSED" in done.stdout
    assert "declined: declined here" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout and "deselected" in done.stdout


@pytest.mark.slow
def test_a_failure_says_what_to_do_without_a_traceback(mine: Path) -> None:
    (mine / "mine.py").write_text(MINE % 2)
    done = run(mine, "--distbench", "mine.py", "-k", "weights")
    assert done.returncode == 1
    assert "strategy:mine fails 'weights': Weights are finite, >= 0 and sum to 1" in done.stdout
    assert "-> divide them by their sum" in done.stdout
    assert "Traceback" not in done.stdout and "strategy.py" not in done.stdout


@pytest.mark.slow
def test_an_unknown_target_is_one_clear_error(mine: Path) -> None:
    done = run(mine, "--distbench", "distbnch")
    assert done.returncode == 4
    assert "--distbench distbnch: unknown plugin 'distbnch'. Did you mean 'distbench'?" in (
        done.stderr + done.stdout
    )
    assert "Traceback" not in done.stderr + done.stdout
