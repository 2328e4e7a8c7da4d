"""How a release is made: the workflows and their steps, the scripts of .ci, versions that agree."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-issue-forms": [
        ROOT / f".github/ISSUE_TEMPLATE/{n}.yml" for n in ("bug", "idea")
    ],
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}
CHANGELOG = """# Changelog

## 0.3.0 (unreleased)

- Not yet.

## 0.2.0 (2026-12-24)

- What is new, `as code`.

## 0.1.0 (2025-01-01)

- The first.
"""
CITATION = 'cff-version: 1.2.0\nversion: "0.2.0"\ndate-released: "2026-12-24"\n'


def steps() -> list[tuple[str, str]]:
    """Every shell step of the workflows, with the words that name it."""
    return [
        (f"{path.name}: {step.get('name', step['run'])}", step["run"])
        for path in WORKFLOWS
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]


def step(name: str) -> str:
    return dict(steps())[name]


def program(name: str) -> str:
    """A program of this environment or of the machine."""
    found = shutil.which(
        name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def shell(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a workflow runs a step."""
    return call("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text, **environment)


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_the_host_have_the_form_that_it_reads(schema: str) -> None:
    checker = pytest.importorskip("check_jsonschema")
    done = CliRunner().invoke(
        checker.main, ["--builtin-schema", schema, *map(str, SCHEMAS[schema])]
    )
    assert done.exit_code == 0, done.output


def test_workflows_are_sound() -> None:
    done = call(program("actionlint"), *WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_workflows_are_safe() -> None:
    done = call(program("zizmor"), "--offline", "--quiet", ROOT / ".github")
    assert done.returncode == 0, done.stdout


def test_actions_are_pinned_by_commit_and_one_version_each() -> None:
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.+)", path.read_text()):
            match = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
            assert match, f"{path.name}: {line}"
            used.setdefault(match[1], set()).add(match[2])
    assert "pypa/gh-action-pypi-publish" in used
    assert not {action: pins for action, pins in used.items() if len(pins) > 1}


def test_a_release_has_no_secret_and_each_job_the_least_right() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert "secrets." not in text
    table = yaml.safe_load(text)
    assert table["permissions"] == {}
    assert {name: job["permissions"] for name, job in table["jobs"].items()} == {
        "build": {"contents": "read"},
        "try": {},
        "attest": {"attestations": "write", "id-token": "write"},
        "publish": {"id-token": "write"},
        "announce": {"contents": "write"},
    }
    order = ["build", ["build", "try"], "attest", "publish"]
    assert [job["needs"] for job in table["jobs"].values() if "needs" in job] == order


@pytest.mark.parametrize("text", [text for _, text in steps()], ids=[name for name, _ in steps()])
def test_steps_are_bash_without_values_of_an_event(text: str, tmp_path: Path) -> None:
    assert "${{" not in text
    file = tmp_path / "step"
    file.write_text(f"#!/usr/bin/env bash\n{text}")
    assert call("bash", "-n", file).stderr == ""
    assert call(program("shellcheck"), file).stdout == ""


@pytest.mark.parametrize("name", ["run", "package"])
def test_scripts_are_bash(name: str) -> None:
    assert os.access(ROOT / ".ci" / name, os.X_OK)
    assert call(program("shellcheck"), ROOT / ".ci" / name).stdout == ""


@pytest.mark.parametrize("text", [text for _, text in steps() if text.startswith("make ")])
def test_targets_that_are_asked_for_are_there(text: str) -> None:
    done = shell(f"cd '{ROOT}' && {text.replace('make ', 'make --dry-run ')}")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone that version 0.2.0 may be published from, as the working folder."""
    root = tmp_path / "ready"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "release_notes.py", root / ".ci")
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    (root / "CITATION.cff").write_text(CITATION)
    (root / "bin").mkdir()
    (root / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return root


def test_the_notes_are_the_section_of_the_version(ready: Path) -> None:
    done = shell(step("release.yml: Notes, of a version that is ready"), TAG="v0.2.0")
    assert done.returncode == 0, done.stderr
    assert (ready / "build" / "notes.md").read_text() == "- What is new, `as code`.\n"


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("v0.4.0", "CHANGELOG.md has no section '## 0.4.0 (YYYY-MM-DD)' for tag v0.4.0"),
        ("v0.3.0", "CHANGELOG.md calls 0.3.0 'unreleased': write the day of its release"),
        ("v0.1.0", "CITATION.cff has no line 'version: 0.1.0'"),
        ("$(touch run)", "for tag $(touch run)"),
    ],
)
def test_what_is_not_ready_is_not_published(tag: str, why: str, ready: Path) -> None:
    done = shell(step("release.yml: Notes, of a version that is ready"), TAG=tag)
    assert done.returncode == 1
    assert why in done.stderr
    assert not (ready / "run").exists()


def test_what_was_built_has_the_version_of_the_tag(ready: Path) -> None:
    dist = ready / "build" / "package" / "dist"
    dist.mkdir(parents=True)
    (dist / "distbench-0.2.0.tar.gz").touch()
    check = step("release.yml: The version is the tag's")
    assert shell(check, TAG="v0.2.0").returncode == 1, "no wheel"
    (dist / "distbench-0.2.0-py3-none-any.whl").touch()
    assert shell(check, TAG="v0.2.0").returncode == 0
    assert shell(check, TAG="v0.2.1").returncode == 1


def test_a_release_is_announced_with_all_its_files(ready: Path) -> None:
    dist = ready / "release" / "package" / "dist"
    dist.mkdir(parents=True)
    for name in ("a.whl", "a.tar.gz"):
        (dist / name).touch()
    (ready / "bin" / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (ready / "bin" / "gh").chmod(0o755)
    done = shell(
        step("release.yml: Release with notes, files, checksums and bill of materials"),
        TAG="v0.2.0",
    )
    said = done.stdout.splitlines()
    assert said[:3] == ["release", "create", "v0.2.0"]
    assert said[said.index("--title") + 1] == "distbench 0.2.0"
    assert said[-4:] == [
        "release/package/dist/a.tar.gz",
        "release/package/dist/a.whl",
        "release/package/SHA256SUMS",
        "release/package/sbom.cdx.json",
    ]


def archive(times: int, *names: str) -> bytes:
    """An sdist as it is built at some time, with its members in the order of names."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.mtime, member.uid, member.uname, member.size = times, times, f"u{times}", 3
            member.mode = 0o775 if name.endswith("sh") else 0o664
            tar.addfile(member, io.BytesIO(b"abc"))
    return written.getvalue()


def test_an_sdist_tells_not_when_and_by_whom_it_was_built() -> None:
    normal = script("normal_sdist").normal
    first, second = archive(1, "p/a", "p/b.sh"), archive(2, "p/b.sh", "p/a")
    assert first != second
    assert normal(first, 1000) == normal(second, 1000)
    with tarfile.open(fileobj=io.BytesIO(normal(first, 1000))) as tar:
        facts = [(m.name, m.mtime, m.uid, m.uname, m.mode) for m in tar.getmembers()]
        assert facts == [("p/a", 1000, 0, "", 0o644), ("p/b.sh", 1000, 0, "", 0o755)]
        held = tar.extractfile("p/a")
        assert held is not None and held.read() == b"abc"


def test_files_missing_and_stray_in_a_package_are_found() -> None:
    contents = script("package_contents")
    tracked = ["core/a/b.py", "plugins/c/d.txt", "docs/e.md", *sorted(contents.DESCRIBES)]
    info = [f"x-1.dist-info/{name}" for name in contents.METADATA]
    assert contents.wheel_faults(tracked, ["a/b.py", "c/d.txt", *info]) == []
    faults = contents.wheel_faults(tracked, ["a/b.py", "docs/e.md", *info[1:]])
    assert faults == [
        "wheel: c/d.txt is missing",
        f"wheel: {info[0]} is missing",
        "wheel: docs/e.md is stray",
    ]
    whole = {*tracked, *contents.WRITTEN, "distbench.egg-info/SOURCES.txt"} - {"docs/e.md"}
    assert contents.sdist_faults(tracked, whole) == []
    assert contents.sdist_faults(tracked, {*whole, "tests/t.py"} - {"LICENSE"}) == [
        "sdist: LICENSE is missing",
        "sdist: tests/t.py is stray",
    ]


def test_versions_agree() -> None:
    """Between releases the version lies before the next one, and the citation names the last."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    coming = project["tool"]["setuptools_scm"]["fallback_version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\.dev0", coming)
    known = script("release_notes").sections((ROOT / "CHANGELOG.md").read_text())
    order = [tuple(map(int, version.split("."))) for version in known]
    assert order == sorted(order, reverse=True)
    assert tuple(map(int, coming.removesuffix(".dev0").split("."))) >= order[0]
    released = [version for version, (date, _) in known.items() if date != "unreleased"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation.get("version") == (released[0] if released else None)


def test_a_container_has_a_user_a_volume_and_no_host() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text()
    lines = text.splitlines()
    assert "USER 1000" in lines and "VOLUME /data" in lines
    assert "DISTBENCH_HOME=/data" in text and "://" not in text
