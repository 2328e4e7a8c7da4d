"""A real bundle of a toy run, made once, and what is needed to make bad ones of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.storage.predictions import packed
from distbench.submission.archive import write_archive
from distbench.submission.limits import OPTIONAL as PROBABILITIES
from distbench.submission.publish import submit
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport

HERE = Path(__file__).parent
PLUGINS = (HERE.parent / "toys.py", HERE / "toy_suite.py")
OPTIONS: dict[str, Any] = {
    "plugin": PLUGINS,
    "suite": "toy_suite",
    "metric": "by_name",
    "strategy": ("weighted", "equal"),
    "baseline": ("finetune",),
    "seeds": 2,
    "executor": "serial",
    "name": "toy",
    "save_student": False,
}
NAME = "toy.distbench.zip"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a home, a run of the toy suite in it, and its bundle."""
    root = tmp_path_factory.mktemp("submission")
    before = {k: os.environ.get(k) for k in ("DISTBENCH_HOME", "DISTBENCH_PLUGINS")}
    os.environ |= {"DISTBENCH_HOME": str(root / "home"), "DISTBENCH_PLUGINS": ""}
    here = Path.cwd()
    os.chdir(root)
    try:
        distbench.run(**OPTIONS)
        submit(
            open_run(Path("toy")),
            submitter="Ada Lovelace",
            licence="CC-BY-4.0",
            output=root,
            plugins=PLUGINS,
        )
        yield root
    finally:
        os.chdir(here)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


class Parts:
    """The members of a bundle, to be changed and put together again."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
        from safetensors.numpy import load

        self.manifest: dict[str, Any] = json.loads(held["bundle.json"])
        self.plan: dict[str, Any] = json.loads(held["plan.json"])
        self.rows: list[dict[str, Any]] = [
            json.loads(line) for line in held["rows.jsonl"].splitlines()
        ]
        self.predictions: dict[str, Any] = dict(load(held["predictions.safetensors"]))
        self.probabilities: dict[str, Any] = dict(load(held[PROBABILITIES]))
        self.raw: dict[str, bytes] = {}

    def without_probabilities(self) -> None:
        """Leaves the optional member out."""
        self.probabilities = {}
        del self.manifest["members"][PROBABILITIES]

    def members(self) -> dict[str, bytes]:
        """The members; those in `raw` as they stand there; digests are made to fit."""
        from safetensors.numpy import save

        found = {
            "plan.json": json.dumps(self.plan).encode(),
            "rows.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in self.rows),
            "predictions.safetensors": packed(self.predictions) if self.predictions else b"",
            **({PROBABILITIES: save(self.probabilities)} if self.probabilities else {}),
            **self.raw,
        }
        for name, data in found.items():
            if name in self.manifest["members"]:
                self.manifest["members"][name] = {
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "bytes": len(data),
                }
        return {"bundle.json": json.dumps(self.manifest).encode(), **found}

    def write(self, path: Path) -> Path:
        path.write_bytes(write_archive(self.members()))
        return path

    def done(self, method: str = "finetune", task: str = "toy", seed: int = 0) -> dict[str, Any]:
        """The row of a cell."""
        return next(
            row
            for row in self.rows
            if (row["method"]["id"], row["task"]["id"], row["seed"]) == (method, task, seed)
        )


@pytest.fixture
def plugins() -> tuple[Path, ...]:
    """The plugin files of the toy suite."""
    return PLUGINS


@pytest.fixture
def toy_run() -> dict[str, Any]:
    """Options of a run of the toy suite: 3 methods x 2 tasks x 2 seeds."""
    return dict(OPTIONS)


@pytest.fixture
def parts(made: Path) -> Parts:
    """The members of the real bundle."""
    return Parts(made / NAME)


@pytest.fixture
def parts_of() -> Callable[[Path], Parts]:
    """Gives the members of any bundle."""
    return Parts


@pytest.fixture
def judge(tmp_path: Path) -> Callable[[Parts], ValidationReport]:
    """Writes the parts as a bundle and validates it."""

    def judged(parts: Parts) -> ValidationReport:
        return validate(parts.write(tmp_path / NAME), plugins=PLUGINS)

    return judged


@pytest.fixture
def zipped(tmp_path: Path, plugins: tuple[Path, ...]) -> Callable[..., ValidationReport]:
    """Zips any members in any order and validates that."""

    def judged(members: list[tuple[str, bytes]]) -> ValidationReport:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(name, data)
        path = tmp_path / NAME
        path.write_bytes(held.getvalue())
        return validate(path, plugins=plugins)

    return judged
