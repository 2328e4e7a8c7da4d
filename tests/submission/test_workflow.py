"""The workflow that judges pull requests: what it may do, and its script on a real repository."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "submissions.yml"
NAME = "toy.distbench.zip"


@pytest.fixture(scope="module")
def script() -> Any:
    path = ROOT / ".github" / "scripts" / "submissions.py"
    spec = importlib.util.spec_from_file_location("submissions_script", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_workflow_runs_nothing_of_a_pull_request_and_may_do_little() -> None:
    text = WORKFLOW.read_text()
    table = yaml.safe_load(text)
    assert table["permissions"] == {}
    jobs = table["jobs"]
    assert jobs["validate"]["permissions"] == {"contents": "read"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    for job in jobs.values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "a value of the event within a shell line"
            assert "${{" not in str(step.get("with", {}).get("script", ""))
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), "pinned by commit"
            if "checkout" in step.get("uses", ""):
                assert step["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
                assert step["with"]["persist-credentials"] is False
    assert not any("checkout" in s.get("uses", "") for s in jobs["comment"]["steps"])
    assert "secrets." not in text


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A repository with an empty registry; gives the commit of a change to it."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path / "repository"
    (root / "registry" / "results").mkdir(parents=True)
    monkeypatch.chdir(root)

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit() -> str:
        git("add", "--all")
        git("commit", "--quiet", "--message", "x")
        return git("rev-parse", "HEAD")

    git("init", "--quiet")
    (root / "registry" / "results" / "README.md").write_text("x")
    (root / "registry" / "results" / "old.distbench.zip").write_bytes(b"x")
    base = commit()

    def proposed(files: dict[str, bytes | None]) -> tuple[str, str]:
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if data is None else path.write_bytes(data)
        head = commit()
        git("checkout", "--quiet", base)
        return base, head

    return proposed


def judged(script: Any, commits: tuple[str, str]) -> tuple[int, str]:
    base, head = commits
    words = ["--base", base, "--head", head, "--output", "outcome", "--rerun", "0"]
    code = script.main(words)
    return code, Path("outcome/comment.md").read_text()


@pytest.mark.slow
def test_an_added_bundle(script: Any, repository: Any, made: Path) -> None:
    code, text = judged(
        script, repository({f"registry/results/{NAME}": (made / NAME).read_bytes()})
    )
    assert code == 0, text
    assert "toy.distbench.zip: accepted" in text
    assert "````diff" in text and "+" in text and "finetune" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"setup.py": b"import os"}, "'setup.py' lies outside of registry/results/"),
        ({"registry/results/run.py": b"x"}, "is not called NAME.distbench.zip"),
        ({"registry/results/a/b.distbench.zip": b"x"}, "is not called NAME.distbench.zip"),
        ({"registry/results/$(id).distbench.zip": b"x"}, "is not called NAME.distbench.zip"),
        ({"registry/results/old.distbench.zip": b"y"}, "is changed or removed"),
        ({"registry/results/old.distbench.zip": None}, "is changed or removed"),
        ({"registry/results/new.distbench.zip": b"y"}, "new.distbench.zip: refused"),
    ],
)
def test_what_a_submission_may_not_do(
    script: Any, repository: Any, files: dict[str, bytes | None], reason: str
) -> None:
    code, text = judged(script, repository(files))
    assert code == 1 and reason in text


def test_a_link_is_not_followed(script: Any, repository: Any) -> None:
    Path("registry/results/link.distbench.zip").symlink_to("/etc/passwd")
    code, text = judged(script, repository({}))
    assert code == 1 and "link.distbench.zip is no plain file" in text


def test_nothing_leaves_its_code_block(script: Any) -> None:
    assert script.fenced("a\n````\n<b>") == "````\na\n''''\n<b>\n````\n"
    with pytest.raises(SystemExit):
        script.main(["--base", "--upload-pack=x", "--head", "0" * 40, "--output", "o"])


@pytest.mark.slow
def test_what_was_computed_again_is_kept_beside_the_comment(
    script: Any, repository: Any, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 3, "", "")

    monkeypatch.setattr(script, "distbench", run)
    base, head = repository({f"registry/results/{NAME}": (made / NAME).read_bytes()})
    assert script.main(["--base", base, "--head", head, "--output", "outcome"]) == 1
    assert asked[0][2:] == ("--rerun", "2", "--record", "outcome/verified")
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["validate"]["steps"]
    assert any(step.get("with", {}).get("path") == "outcome/verified" for step in steps)
