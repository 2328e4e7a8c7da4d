"""Weights & Biases: a tracked run for every cell, and one with the leaderboard."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from distbench import Row, UsageError, offline, primary

from ._cell_record import (
    CellReporter,
    Scalar,
    cell_id,
    curve,
    make_folder,
    numbers,
    parameters,
    reason,
    require,
    safe,
)


class Wandb(CellReporter):
    """Weights & Biases: every cell a W&B run with its curve, grouped by run, and the leaderboard.

    The id of a W&B run is the key of its cell, so that what is resumed, or synchronised later with
    `wandb sync`, is the same W&B run; a finished cell that has a local record is left as it is.
    Without a network: WANDB_MODE=offline, `mode=offline`, or `distbench run --offline`. Recorded
    are settings, numbers and tables: no console output, code, git state or machine. Needs the
    extra `wandb`. Biewald, https://wandb.ai, 2020.
    """

    examples = ("wandb:mode=offline",)

    project: str = primary("distbench", pattern=r"^[^/\\#?%:,=]+$", description="W&B project")
    entity: str | None = Field(None, description="W&B user or team")
    folder: Path = Field(Path(), description="where W&B makes its folder wandb/")
    mode: Literal["online", "offline"] | None = Field(
        None, description="as $WANDB_MODE says if left out, else online"
    )

    def check(self) -> None:  # noqa: D102
        require("wandb", "wandb")
        mode = self._mode()
        if mode not in ("online", "offline", "disabled"):
            raise UsageError(
                f"reporter wandb: WANDB_MODE={mode} will not do; set it to online or offline"
            )
        if mode == "online" and not _has_login():
            raise UsageError(
                "reporter wandb has no login: run `wandb login`, or record without a network "
                "by wandb:mode=offline and send it later by `wandb sync`"
            )
        make_folder("wandb", self.folder)

    def cell_cached(self, row: Row) -> None:  # noqa: D102
        if not self._recorded(row.key):
            self.record(row)

    def finished(self, folder: Path) -> None:  # noqa: D102
        table = folder / "leaderboard.csv"
        run = self._run
        if run is None or not table.is_file() or (not run.missing and self._recorded(run.name)):
            return
        with table.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
        about: dict[str, Any] = {"suite": run.suite, "suite_version": run.suite_version}
        about |= {"cells": run.cells, "tasks": list(run.tasks), "methods": list(run.methods)}
        with self._open(run.name, run.name, "leaderboard", about) as tracked:
            import wandb

            tracked.log({"leaderboard": wandb.Table(columns=[*header], data=lines)})

    def _mode(self) -> Any:
        if offline():
            return "offline"
        return self.mode or os.environ.get("WANDB_MODE") or "online"

    def record(self, row: Row) -> None:
        """Writes a cell."""
        failed = row.status == "failed"
        with self._open(row.key, cell_id(row), row.method.role, parameters(row), failed) as tracked:
            for step, values in curve(row):
                tracked.log(values, step=step)
            summary: dict[str, Scalar] = {**numbers(row), "status": row.status}
            if row.reason:
                summary["reason"] = reason(row)
            for name, value in summary.items():
                tracked.summary[name] = value

    def _recorded(self, key: str) -> bool:
        """Whether W&B's folder holds a record of this id."""
        return any((self.folder / "wandb").glob(f"*run-*-{_id(key)}"))

    @contextlib.contextmanager
    def _open(
        self, key: str, name: str, kind: str, config: dict[str, Any], failed: bool = False
    ) -> Iterator[Any]:
        """A W&B run, closed when all is written."""
        mode = self._mode()
        if mode == "offline":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        tracked = wandb.init(
            project=self.project,
            entity=self.entity,
            dir=str(self.folder),
            mode=mode,
            id=_id(key),
            resume="allow" if mode == "online" else None,
            name=name,
            group=self._run.name if self._run else None,
            job_type=kind,
            config=config,
            reinit="create_new",
            settings=wandb.Settings(
                silent=True,
                host="",
                console="off",
                disable_git=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_disable_stats=True,
            ),
        )
        try:
            yield tracked
        except BaseException:
            tracked.finish(exit_code=1)
            raise
        tracked.finish(exit_code=int(failed))


def _id(key: str) -> str:
    """An id that W&B takes: at most 64 characters, plain ones."""
    return safe(key)[:64]


def _has_login() -> bool:
    """Whether W&B knows an account here; contacts nothing."""
    import wandb

    return bool(wandb.login(prompt=False, verify=False))
