"""`distbench submit` and `distbench validate` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.submission.schema import schema_text

TESTS = Path(__file__).resolve().parents[1]
PLUGINS = (TESTS / "toys.py", TESTS / "submission" / "toy_suite.py")
PLUGIN = [part for file in PLUGINS for part in ("--plugin", str(file))]


def call(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def bundle() -> Path:
    distbench.run(
        plugin=PLUGINS,
        suite="toy_suite",
        distiller="none",
        baseline="finetune",
        executor="serial",
        name="toy",
    )
    who = ["--submitter", "Ada Lovelace", "--licence", "CC0-1.0"]
    done = call("submit", "toy", *who, "--output", "out", *PLUGIN)
    assert done.exit_code == 0, done.output
    assert "out/toy.distbench.zip: 2 of 2 cells done, validated." in done.stdout
    assert "Next: add toy.distbench.zip to registry/results/" in done.stdout
    return Path("out/toy.distbench.zip")


@pytest.mark.slow
def test_from_a_run_to_a_checked_bundle(bundle: Path) -> None:
    done = call("validate", str(bundle), "--rerun", "1", "--choice", "3", *PLUGIN)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "toy.distbench.zip: accepted"
    assert lines[1] == "  suite toy_suite 1, 1 methods x 2 tasks x 1 seeds: 2 of 2 cells done"
    assert "accuracies of 2 rows recomputed" in lines[2]
    assert lines[3] == "  computed again (--choice 3):"
    assert lines[4].endswith("seed 0: bit-equal")


@pytest.mark.slow
def test_a_refusal_is_a_numbered_list_and_exit_code_3(bundle: Path) -> None:
    bad = bundle.with_name("other.distbench.zip")
    bad.write_bytes(bundle.read_bytes())
    done = call("validate", str(bundle), str(bad), *PLUGIN)
    assert done.exit_code == 3
    assert "toy.distbench.zip: accepted" in done.stdout
    assert (
        "other.distbench.zip: refused\n"
        "  1. the file is called other.distbench.zip, its manifest says toy.distbench.zip\n"
    ) in done.stdout
    found = json.loads(call("validate", str(bad), "--json", *PLUGIN).stdout)
    assert found[0]["accepted"] is False and len(found[0]["reasons"]) == 1


def test_the_schema_is_printed() -> None:
    done = call("validate", "--schema")
    assert done.exit_code == 0
    assert done.stdout == schema_text()


def test_wrong_uses_are_said(bundle: Path) -> None:
    for words, message in (
        (("validate",), "which bundles?"),
        (("validate", "absent.distbench.zip"), "there is no file 'absent.distbench.zip'"),
        (("submit", "absent", "--submitter", "x", "--licence", "MIT"), "is no folder of a run"),
        (("submit", "toy", "--submitter", "x", "--licence", "GPL"), "licence 'GPL' is not among"),
    ):
        done = call(*words)
        assert done.exit_code == 2
        assert message in done.stderr
    assert call("submit", "toy").exit_code == 2
