"""`distbench env`: everything a bug report needs, and nothing that is nobody's business."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.workflows.env import diagnose, shortened

BROKEN = Path(__file__).parents[1] / "thirdparty" / "broken" / "distbench_broken.py"


def call(*arguments: str, **more: str) -> str:
    done = CliRunner().invoke(app, ["env", *arguments], env=more)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_facts(tmp_path: Path) -> None:
    kept = tmp_path / "home" / "artifacts" / "ab"
    kept.mkdir(parents=True)
    (kept / "x.npy").write_bytes(b"0" * 3 * 2**20)
    text = call("--json", OMP_NUM_THREADS="1", DISTBENCH_OFFLINE="1")
    facts: dict[str, Any] = json.loads(text)
    assert facts["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert facts["packages"]["torch"]
    assert facts["home"]["of which"] == {"artifacts": "3 MiB"}
    assert facts["home"]["in use"] == "3 MiB"
    assert facts["home"]["set by DISTBENCH_HOME"] is True
    assert facts["offline"] == {"distbench": True, "Hugging Face libraries": False}
    assert facts["cpu"]["OMP_NUM_THREADS"] == "1"
    assert facts["cpu"]["torch threads"] == 1
    builtin = next(p for p in facts["plugins"] if p["plugin"] == "builtin")
    assert builtin["distribution"] == "distbench" and builtin["offers"] > 50
    assert "optuna" in facts["extras"]["tune"]


@pytest.mark.slow
def test_plain_text_is_for_pasting() -> None:
    text = call()
    assert text.startswith("distbench: ")
    assert "\nhome\n  path: " in text
    assert "\ndevices\n  " in text


def test_broken_plugins_are_shown_with_the_reason() -> None:
    facts = diagnose((BROKEN,))
    found = next(p for p in facts["plugins"] if p["plugin"].endswith("distbench_broken.py"))
    assert "unknown hook 'distbench_metricks'" in found["broken"]
    assert any(p["plugin"] == "builtin" for p in facts["plugins"]), "the others are still there"


@pytest.mark.slow
def test_no_user_name_no_token(tmp_path: Path) -> None:
    me = tmp_path / "jane-doe-1234"
    me.mkdir()
    said = call(
        HOME=str(me),
        DISTBENCH_HOME=str(me / "cache"),
        DISTBENCH_STORE="s3://verysecret-bucket",
        HF_TOKEN="hf_verysecretverysecret",
        WANDB_API_KEY="0123456789abcdef",
        USER="jane-doe-1234",
        LOGNAME="jane-doe-1234",
    )
    assert "path: ~/cache" in said and "shared store: s3\n" in said
    for secret in ("jane-doe", "verysecret", "0123456789abcdef"):
        assert secret not in said


def test_a_home_elsewhere_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jane")
    assert shortened("/home/jane/x") == "~/x"
    assert shortened("/home/janet/x") == "/home/janet/x"
    assert shortened("/data/x") == "/data/x"
