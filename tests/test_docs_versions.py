"""Versions of the documentation lie beside each other, and one lands at the newest release."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAIN = runpy.run_path(str(ROOT / ".ci/docs_versions.py"))["main"]


def site(folder: Path, *versions: str) -> Path:
    for version in versions:
        (folder / version).mkdir(parents=True)
        (folder / version / "index.html").touch()
    return folder


def test_the_newest_release_comes_first_and_is_where_one_lands(tmp_path: Path) -> None:
    found = site(tmp_path, "latest", "0.9.0", "0.10.0", "0.2.1", "notes")
    MAIN(found)
    assert json.loads((found / "versions.json").read_text()) == [
        *("0.10.0", "0.9.0", "0.2.1", "latest"),
    ]
    assert "url=0.10.0/" in (found / "index.html").read_text()


def test_before_the_first_release_it_is_the_main_branch(tmp_path: Path) -> None:
    MAIN(site(tmp_path, "latest"))
    assert "url=latest/" in (tmp_path / "index.html").read_text()
    with pytest.raises(SystemExit, match="holds no version"):
        MAIN(tmp_path / "latest")


def test_the_workflow_lays_a_version_beside_the_others(tmp_path: Path) -> None:
    """Its own shell, against a repository on this disk: the first version, then a second one."""
    text = (ROOT / ".github/workflows/docs.yml").read_text()
    script = re.sub(r"^ {10}", "", text[text.index("          address=") :], flags=re.M)
    host = tmp_path / "host"
    address = re.search(r'address="(\S+)"', script)
    assert address is not None
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        quiet |= {f"GIT_{who}_NAME": "x", f"GIT_{who}_EMAIL": "x@y"}
    environment = {**os.environ, **quiet, "GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r"}

    def git(*words: str, where: Path = tmp_path) -> str:
        done = subprocess.run(
            ["git", *words], cwd=where, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    git("init", "--quiet", "--initial-branch", "main", "host")
    (host / ".ci").mkdir()
    (host / ".ci/docs_versions.py").write_bytes((ROOT / ".ci/docs_versions.py").read_bytes())
    git("add", "--all", where=host)
    git("commit", "--quiet", "--message", "code", where=host)
    for ref, page in (("refs/heads/main", "one"), ("refs/tags/v0.2.0", "two")):
        clone = tmp_path / page
        git("clone", "--quiet", str(host), page)
        (clone / "built").mkdir()
        (clone / "built/index.html").write_text(page)
        subprocess.run(
            ["bash", "-e", "-c", script.replace(address[1], str(host))],
            cwd=clone,
            env={**environment, "REF": ref},
            check=True,
            capture_output=True,
        )
    files = git("ls-tree", "-r", "--name-only", "gh-pages", where=host).split()
    assert files == [
        *(".nojekyll", "0.2.0/index.html", "index.html", "latest/index.html", "versions.json"),
    ]
    assert json.loads(git("show", "gh-pages:versions.json", where=host)) == ["0.2.0", "latest"]
