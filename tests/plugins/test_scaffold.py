"""`distbench new`: what it writes is built, installed, found, and passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.interfaces.kinds import KINDS
from distbench.plugins.scaffold import LICENCES, write_package

FILES = {
    ".github/workflows/test.yml",
    ".gitignore",
    "LICENSE",
    "README.md",
    "pyproject.toml",
}

FOR_ANY = "not onnx and not gradients and not drains"
"""Checks that take seconds and look at what the templates leave to others; built-ins pass them."""

BUILD = """
import os, sys
from setuptools.build_meta import build_wheel
os.chdir(sys.argv[2])
build_wheel(sys.argv[1])
"""


def call(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package for every kind."""
    folder = tmp_path_factory.mktemp("written")
    return {kind: write_package(kind, f"own_{kind}", folder).folder for kind in KINDS}


@pytest.fixture(scope="module")
def installed(written: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which all of them are installed, built from their sources."""
    site, wheels = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("wheels")
    for folder in written.values():
        built = call(sys.executable, "-c", BUILD, wheels, folder)
        assert built.returncode == 0, built.stderr
    done = call(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
        "--disable-pip-version-check", "--target", site, *sorted(wheels.iterdir()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {
        "PYTHONPATH": str(site),
        "DISTBENCH_PLUGINS": ",".join(f"own_{kind}" for kind in KINDS),
        "DISTBENCH_HOME": str(site.parent / "home"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written(kind: str, written: dict[str, Path]) -> None:
    folder = written[kind]
    files = {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}
    own = {f"distbench_own_{kind}.py", f"tests/test_own_{kind}.py"}
    assert files - {f for f in files if "build/" in f or "egg-info" in f} == FILES | own
    for name in files & (FILES | own):
        text = (folder / name).read_text()
        assert "$" not in text.replace("${{", ""), name
    assert f"distbench info {kind} own_{kind}" in (folder / "README.md").read_text()


@pytest.mark.slow
def test_all_are_found_by_their_entry_points(installed: dict[str, str]) -> None:
    done = call(sys.executable, "-m", "distbench", "plugins", **installed)
    for kind in KINDS:
        assert f"own_{kind} (distbench-own-{kind} 0.1.0)" in done.stdout, done.stderr
    assert "BROKEN" not in done.stdout


@pytest.mark.slow
def test_the_generated_tests_and_the_conformance_suite_pass(
    installed: dict[str, str], written: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    done = call(
        sys.executable, "-m", "pytest", "-c", tmp_path / "pytest.ini", "-q", "-rs",
        "-k", FOR_ANY, "-p", "no:cacheprovider", *(folder / "tests" for folder in written.values()),
        *(f"--distbench=distbench-own-{kind}" for kind in KINDS if kind != "metric"),
        **installed,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "failed" not in done.stdout
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    allowed = (
        "sources can be trained",
        "sources reads texts",
        "names no tasks for",
        "of one class each",
    )
    assert all(any(reason in line for reason in allowed) for line in skipped), skipped


@pytest.mark.slow
def test_a_plain_pytest_in_the_folder_runs_both(
    installed: dict[str, str], written: dict[str, Path]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"],
        cwd=written["metric"],
        capture_output=True,
        text=True,
        env={**os.environ, **installed},
    )
    assert done.returncode == 0, done.stdout
    assert "tests/test_own_metric.py::test_value PASSED" in done.stdout
    for check in ("awkward_probes", "direction", "end_to_end", "licence", "imports"):
        assert f"metric:own_metric::{check} PASSED" in done.stdout


@pytest.mark.parametrize(
    ("installed", "asked"),
    [("0.2.0.dev0", "0.2.0.dev0"), ("0.2.3", "0.2"), ("1.0.0rc1", "1.0.0rc1")],
)
def test_the_version_asked_for_has_the_one_installed(
    installed: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"distbench": installed}.__getitem__)
    made = write_package("metric", "own_metric", tmp_path)
    assert f'dependencies = ["distbench>={asked}"]' in (made.folder / "pyproject.toml").read_text()


@pytest.mark.parametrize("licence", LICENCES)
def test_licences(licence: str, tmp_path: Path) -> None:
    made = write_package("metric", "mine", tmp_path, licence=licence, author="Ada Lovelace")
    assert f'license = "{licence}"' in (made.folder / "pyproject.toml").read_text()
    text = (made.folder / "LICENSE").read_text()
    assert "Ada Lovelace" in text and len(text) > 500
    assert (made.folder / "LICENSE").stat().st_mode & 0o444


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("metrik", "mine"), "unknown kind 'metrik'. Did you mean 'metric'?"),
        (("metric", "My Metric"), "cannot be a name: write lower-case letters"),
        (("metric", "../up"), "cannot be a name"),
        (("metric", "1st"), "with a letter first"),
        (("metric", "x" * 41), "40 at most"),
        (("metric", "a__b"), "single underscores"),
        (("metric", "all"), "it stands for every metric"),
        (("metric", "builtin"), "it is the plugin that comes with distbench"),
        (("metric", "logme"), "metric 'logme' is offered by builtin (distbench"),
        (("metric", "mine", "--licence", "GPL"), "take one of Apache-2.0, BSD-3-Clause, MIT"),
        (("metric", "mine", "--author", 'A"B'), "without quotes"),
    ],
)
def test_what_will_not_do_is_refused_and_leaves_nothing(
    given: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = CliRunner().invoke(app, ["new", *given, "--output", str(out)])
    assert message in done.stderr
    assert done.exit_code == 2
    assert list(out.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "distbench-mine").mkdir()
    with pytest.raises(UsageError, match="distbench-mine is there already; choose another name"):
        write_package("metric", "mine", tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".", "distbench"))] == [
        "distbench-mine"
    ]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    def full(*given: object, **more: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_package("metric", "mine", out)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "cls"),
    [("metric", "OwnMetricMetric"), ("true", "OwnTrueMetric"), ("a-b_c2", "ABC2")],
)
def test_a_class_gets_no_name_that_is_taken(name: str, cls: str, tmp_path: Path) -> None:
    folder = write_package("metric", name, tmp_path).folder
    (module,) = folder.glob("distbench_*.py")
    assert f"class {cls}(Metric):" in module.read_text()
    compile(module.read_text(), str(module), "exec")


def test_the_next_three_commands_are_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new", "strategy", "mine", "--output", str(tmp_path)])
    assert done.exit_code == 0
    lines = [line.strip() for line in done.output.splitlines()]
    at = lines.index("Next:")
    assert lines[at + 1 :] == [
        f"cd {tmp_path}/distbench-mine",
        'pip install --editable ".[dev]"',
        "distbench check distbench-mine",
    ]
