"""An export on the Hub: its files, the head of its card, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_hub import READER, WRITER, FakeHub, told
from typer.testing import CliRunner

from distbench import SourceInfo
from distbench.cli import app
from distbench.errors import DistbenchError
from distbench.workflows.export.hub_metadata import hub_licence, zoo_metadata

CELL = "toy_task:finetune:0"


def export(*words: str, cell: str = CELL) -> Any:
    done = CliRunner().invoke(app, ["export", cell, "--output", "out", *words])
    assert done.exception is None or isinstance(done.exception, (SystemExit, DistbenchError))
    assert WRITER not in done.output and READER not in done.output
    return done


def head_of(card: bytes) -> dict[str, Any]:
    return dict(yaml.safe_load(card.decode().split("---\n")[1]))


def test_an_export_is_pushed_with_a_card_that_the_hub_reads(
    run: Callable[..., Any], hub: FakeHub, tmp_path: Path
) -> None:
    made = run(save_student=True)
    done = export("--to", "torch", "--push", "lab/toy", "--private", "--licence", "Apache-2.0")
    assert done.exit_code == 0, done.output
    there = hub.repositories["model", "lab/toy"]
    first = there.refs["main"]
    assert there.private and f"commit {first}" in done.stdout
    files = there.commits[first]
    own = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert {name: data for name, data in files.items() if name in own} == own
    assert set(files) - set(own) == {".gitattributes"}
    head = head_of(files["README.md"])
    (result,) = head["model-index"][0]["results"]
    accuracy, balanced = result["metrics"]
    assert (accuracy["type"], accuracy["value"]) == ("accuracy", made.rows[0].result.accuracy)
    assert balanced["value"] == made.rows[0].result.balanced_accuracy
    assert result["task"]["type"] == head["pipeline_tag"] == "image-classification"
    assert result["dataset"]["name"] == "toy_task" and result["dataset"]["split"] == "test"
    assert head["license"] == "apache-2.0" and head["library_name"] == "pytorch"
    assert "base_model" not in head and "datasets" not in head
    text = files["README.md"].decode()
    assert "# toy\\_task: image classifier" in text or "# toy_task: image classifier" in text
    assert str(tmp_path) not in text and WRITER not in text

    again = export("--to", "torch", "--push", "lab/toy")
    second = there.refs["main"]
    assert again.exit_code == 0 and f"commit {second} on top of {first}" in again.stdout
    assert "license" not in head_of(there.commits[second]["README.md"])


def test_what_cannot_be_pushed_is_told_before_anything_is_written(
    run: Callable[..., Any], hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(save_student=True)
    hub.add("lab/open", **{"README.md": b"other"})
    for words, message, code in (
        (("--push", "toy"), "--push: 'toy' is no repository of the Hub; write ORG/NAME", 2),
        (("--private",), "--private is of a repository; name it with --push", 2),
        (("--push", "lab/toy", "--to", "onnx"), "--push takes one --to", 2),
        (("--push", "org/toy"), "org is neither you nor an organisation of yours", 3),
        (("--push", "lab/open", "--private"), "it is there and public", 3),
    ):
        done = export("--to", "torch", *words)
        assert done.exit_code == code and message in done.output, done.output
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = export("--to", "torch", "--push", "lab/toy")
    assert done.exit_code == 3 and "distbench is offline" in done.output
    assert not Path("out").exists()


def test_a_push_that_fails_leaves_the_export(run: Callable[..., Any], hub: FakeHub) -> None:
    run(save_student=True)
    hub.fault = lambda method, path: told(403, "no") if "/commit/" in path else None
    done = export("--to", "torch", "--push", "lab/toy")
    assert done.exit_code == 3
    assert "the token does not allow it" in done.output and "The export lies in out" in done.output
    assert (Path("out") / "README.md").is_file()


def test_sources_on_the_hub_are_base_models() -> None:
    facts: dict[str, Any] = {
        "name": "a",
        "architecture": "resnet18",
        "num_classes": 2,
        "feature_dim": 3,
        "input_size": 32,
        "mean": (0.5,) * 3,
        "std": (0.5,) * 3,
        "fingerprint": "0" * 64,
    }
    sources = [
        SourceInfo(**facts, licence="MIT", recipe={"repository": "timm/resnet18", "revision": "x"}),
        SourceInfo(**facts, licence="CC0-1.0", recipe={"repository": "../etc"}),
        SourceInfo(**facts),
    ]
    head = head_of(zoo_metadata(sources).encode() + b"\n")
    assert head["base_model"] == ["timm/resnet18"]
    assert head["license"] == ["cc0-1.0", "mit"]


def test_licences_are_those_of_the_hub_or_none() -> None:
    assert hub_licence("Apache-2.0") == "apache-2.0"
    assert hub_licence("CC-BY-4.0") == "cc-by-4.0"
    assert hub_licence("ODC-By-1.0") == "odc-by"
    assert hub_licence("unknown") is hub_licence("fastvit-license") is hub_licence("") is None
