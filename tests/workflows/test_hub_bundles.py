"""Bundles handed in at the Hub, and a leaderboard of those that are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import READER, WRITER, FakeHub, told
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.errors import DistbenchError

TESTS = Path(__file__).resolve().parents[1]
PLUGINS = (TESTS / "toys.py", TESTS / "submission" / "toy_suite.py")
PLUGIN = [part for file in PLUGINS for part in ("--plugin", str(file))]
BUNDLE = "toy.distbench.zip"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run of the toy suite; its home."""
    root = tmp_path_factory.mktemp("hub-bundles")
    before, here = os.environ.get("DISTBENCH_HOME"), Path.cwd()
    os.environ["DISTBENCH_HOME"] = str(root / "home")
    os.chdir(root)
    distbench.run(
        plugin=PLUGINS,
        suite="toy_suite",
        distiller="none",
        baseline="finetune",
        executor="serial",
        name="toy",
    )
    yield root
    os.chdir(here)
    if before is None:
        os.environ.pop("DISTBENCH_HOME")
    else:
        os.environ["DISTBENCH_HOME"] = before


@pytest.fixture
def there(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    monkeypatch.setenv("DISTBENCH_HOME", str(made / "home"))
    return made


def call(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, (SystemExit, DistbenchError))
    assert WRITER not in done.output and READER not in done.output
    return done


def submit(to: str, *more: str) -> Any:
    who = ["--submitter", "Ada Lovelace", "--licence", "CC0-1.0", *PLUGIN, *more]
    return call("submit", "toy", *who, "--to", to)


def test_a_bundle_becomes_a_pull_request_once_and_then_a_leaderboard(
    there: Path, hub: FakeHub
) -> None:
    results = hub.add("org/board", "dataset", **{"README.md": b"results"})
    done = submit("org/board")
    assert done.exit_code == 0, done.output
    page = f"{hub.endpoint}/datasets/org/board"
    assert f"Pull request: {page}/discussions/1" in done.stdout
    proposed = results.commits[results.refs["refs/pr/1"]]
    assert proposed[f"results/{BUNDLE}"] == Path(BUNDLE).read_bytes()
    assert f"results/{BUNDLE}" not in results.commits[results.refs["main"]]

    again = submit("org/board")
    assert again.exit_code == 3
    assert f"{page}/discussions/1 has this bundle already, as results/{BUNDLE}" in again.output
    assert len(results.pulls) == 1

    empty = call("leaderboard", "hub:org/board", "--format", "csv", *PLUGIN)
    assert empty.exit_code == 3 and "it has no file such as *.distbench.zip" in empty.output

    merged = results.commit({f"results/{BUNDLE}": proposed[f"results/{BUNDLE}"]})
    board = call("leaderboard", "hub:org/board", "--format", "csv", "--format", "json", *PLUGIN)
    assert board.exit_code == 0, board.output
    name = f"hub:org/board@{merged}"
    assert f"note: {name}: 1 bundle, as of this commit" in board.output
    written = "".join(p.read_text() for p in Path("leaderboard").iterdir() if p.is_file())
    assert f"{name}/results/{BUNDLE}" in written
    assert str(there) not in written and "snapshots" not in written
    assert WRITER not in written
    for file in [*there.rglob("*.json"), *there.rglob("*.jsonl"), Path(BUNDLE)]:
        assert WRITER.encode() not in file.read_bytes()

    main = submit("org/board", "--note", "another")
    assert main.exit_code == 3 and f"has another bundle results/{BUNDLE}" in main.output


def test_a_leaderboard_of_the_hub_offline_is_that_of_the_last_commit(
    there: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("submit", "toy", "--submitter", "A", "--licence", "MIT", *PLUGIN).exit_code == 0
    results = hub.add("org/more", "dataset", **{BUNDLE: Path(BUNDLE).read_bytes()})
    first = results.refs["main"]
    words = ("leaderboard", "hub:org/more", "--format", "csv", *PLUGIN)
    assert call(*words).exit_code == 0
    second = results.commit({"more.distbench.zip": b"no bundle" * 50})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert f"hub:org/more@{first}: 1 bundle" in call(*words).output
    unread = call("leaderboard", "hub:org/unread", *PLUGIN)
    assert (
        unread.exit_code == 3 and "was not read before, and distbench is offline" in unread.output
    )
    monkeypatch.delenv("HF_HUB_OFFLINE")
    mixed = call(*words)
    assert mixed.exit_code == 0
    assert f"hub:org/more@{second}: 2 bundles" in mixed.output
    assert f"left out: hub:org/more@{second}/more.distbench.zip: " in mixed.output
    old = call("leaderboard", f"hub:org/more@{first}", "--format", "csv", *PLUGIN)
    assert f"hub:org/more@{first}: 1 bundle" in old.output


def test_a_bundle_that_is_too_large_is_not_fetched(
    there: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distbench.workflows.inputs.hub_bundles.FILE_BYTES", 300)
    hub.add("org/big", "dataset", **{"a.distbench.zip": b"x" * 301, "b.distbench.zip": b"y"})
    done = call("leaderboard", "hub:org/big", *PLUGIN)
    assert done.exit_code == 3
    assert "left out: hub:org/big/a.distbench.zip: it is larger than the 300 B" in done.output
    assert hub.elsewhere == []


@pytest.mark.parametrize(
    ("to", "token", "message", "code"),
    [
        ("board", WRITER, "--to: 'board' is no repository of the Hub; write ORG/NAME", 2),
        ("org/board@main", WRITER, "write ORG/NAME without @main", 2),
        ("org/absent", WRITER, "it is not there, or private; name a dataset repository", 3),
        ("org/board", READER, "the token may only read; make one that may write", 3),
        ("org/board", "hf_unknown0123456789abcdef", "the Hub does not know the token", 3),
        ("org/board", None, "there is no token; log in with `hf auth login`, or set HF_TOKEN", 3),
    ],
)
def test_what_cannot_be_handed_in_is_told_before_a_bundle_is_made(
    there: Path,
    hub: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    to: str,
    token: str | None,
    message: str,
    code: int,
) -> None:
    hub.add("org/board", "dataset", **{"README.md": b"results"})
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(there / "none"))
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
    else:
        monkeypatch.setenv("HF_TOKEN", token)
    Path(BUNDLE).unlink(missing_ok=True)
    done = submit(to)
    assert done.exit_code == code and message in done.output
    assert len(done.stderr.strip().splitlines()) == 1
    assert not Path(BUNDLE).exists()


def test_trouble_on_the_way_is_one_line_without_the_token(
    there: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/board", "dataset", **{"README.md": b"results"})
    for answer, message in (
        (told(429, "slow down", more={"Retry-After": "7"}), "too many requests (429)"),
        (told(403, f"{WRITER} may not"), "the token does not allow it; take one that may write"),
        (told(500, f"broken by {WRITER}"), "the Hub is in trouble (500)"),
    ):
        hub.fault = lambda method, path, answer=answer: answer if "/commit/" in path else None
        done = submit("org/board")
        assert done.exit_code == 3 and message in done.output, done.output
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    done = submit("org/board")
    assert done.exit_code == 3 and "distbench is offline" in done.output
