"""W&B in its documented offline mode: what is recorded is read back from its files."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench.errors import UsageError
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("HF_TOKEN", "hf_verysecretverysecret")


def records(folder: Path) -> dict[str, list[Any]]:
    """The records of one W&B run by kind.

    The file is a log in blocks of 32 KiB (LevelDB's): 7 bytes of head, then chunks of checksum,
    length and type (1 whole, 2 first, 3 middle, 4 last) before what makes up a record.
    """
    from wandb.proto import wandb_internal_pb2

    raw = next(folder.glob("*.wandb")).read_bytes()
    assert raw.startswith(b":W&B")
    found: dict[str, list[Any]] = {}
    position, parts = 7, b""
    while position + 7 <= len(raw):
        left = 32768 - position % 32768
        if left < 7:
            position += left
            continue
        length, kind_of_chunk = struct.unpack_from("<HB", raw, position + 4)
        position += 7
        parts += raw[position : position + length]
        position += length
        if kind_of_chunk in (1, 4):
            record = wandb_internal_pb2.Record.FromString(parts)
            parts = b""
            if kind := record.WhichOneof("record_type"):
                found.setdefault(kind, []).append(getattr(record, kind))
    return found


def items(entries: Any) -> dict[str, Any]:
    return {e.key or "/".join(e.nested_key): json.loads(e.value_json) for e in entries}


def folders() -> dict[str, Path]:
    found = sorted(Path("wb/wandb").glob("offline-run-*"))
    return {folder.name.split("-")[-1]: folder for folder in found}


def test_a_missing_package_is_named_before_anything(run: Run, without: Any) -> None:
    without("wandb")
    with pytest.raises(UsageError, match=r"'wandb'.*pip install 'distbench\[wandb\]'"):
        run("wandb")
    assert not Path("runs").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_cells_and_leaderboard_are_recorded_once_and_without_secrets(run: Run) -> None:
    made = run("wandb:birds:folder=wb", baseline=("finetune", "misbehaving"))
    assert made.warnings == ()
    done = next(row for row in made.rows if row.status == "done")
    failed = next(row for row in made.rows if row.status == "failed")
    assert done.result
    assert set(folders()) == {done.key, failed.key, "toy"}
    found = records(folders()[done.key])
    told = found["run"][0]
    assert (told.project, told.run_group, told.display_name) == (
        "birds",
        "toy",
        "toy_task:finetune:0",
    )
    assert items(told.config.update)["baseline.lr"] == 0.01
    points = [items(entry.item) for entry in found["history"]]
    curve = [(p["_step"], p["train_loss"]) for p in points if "train_loss" in p]
    assert curve == [(p.step, pytest.approx(p.loss)) for p in done.result.curve]
    summary: dict[str, Any] = {}
    for entry in found["summary"]:
        summary |= items(entry.update)
    assert summary["accuracy"] == done.result.accuracy
    assert summary["status"] == "done"
    assert records(folders()[failed.key])["exit"][0].exit_code == 1
    tables = list(folders()["toy"].rglob("*.table.json"))
    assert "finetune" in json.dumps(json.loads(tables[0].read_text())["data"])
    held = b"".join(p.read_bytes() for p in Path("wb").rglob("*.wandb"))
    for secret in ("hf_verysecret", str(Path.cwd())):
        assert secret.encode() not in held, secret
    assert told.host == ""
    assert not {"environment", "metadata"} & set(found)

    before = set(Path("wb/wandb").iterdir())
    run("wandb:birds:folder=wb")
    assert {p.name.split("-")[-1] for p in set(Path("wb/wandb").iterdir()) - before} <= {"toy"}


@pytest.mark.usefixtures("offline")
def test_what_cannot_work_is_told_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "ofline")
    with pytest.raises(UsageError, match="WANDB_MODE=ofline will not do; set it to online or"):
        run("wandb")
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setattr("distbench_builtin.reporters.wandb._has_login", lambda: False)
    with pytest.raises(UsageError, match=r"no login: run `wandb login`, or .*wandb:mode=offline"):
        run("wandb")
    assert not Path("runs").exists()
