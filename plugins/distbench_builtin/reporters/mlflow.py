"""MLflow: a tracked run for every cell, and one for the leaderboard."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from distbench import Row, UsageError, offline, primary

from ._cell_record import CellReporter, cell_id, clean, curve, numbers, parameters, reason, require

_KEY, _RUN = "distbench.key", "distbench.run"
_BATCH = 100
"""Entries that MLflow takes at once."""
_LONGEST = 500
"""Characters of a parameter that every version takes."""


class MLflow(CellReporter):
    """An MLflow server or file: parameters, metrics and tags of every cell, the leaderboard a file.

    A cell is one MLflow run, found again by its tag `distbench.key`: a resumed run, or another run
    with the same cell, adds no second one, and a cell that failed and succeeds later is the same
    MLflow run. The leaderboard is in an MLflow run with the name of the distbench run. Needs the
    extra `mlflow`. Zaharia et al., Accelerating the Machine Learning Lifecycle with MLflow, IEEE
    Data Eng. Bull. 41(4), 2018.
    """

    uri: str | None = primary(
        None,
        description="tracking store, e.g. sqlite:///mlflow.db or http://host:5000; as MLflow does "
        "if left out: $MLFLOW_TRACKING_URI, or sqlite:///mlflow.db",
    )
    experiment: str = Field("distbench", description="MLflow experiment; made if there is none")

    _client: Any = PrivateAttr(None)
    _experiment_id: str = PrivateAttr("")

    def check(self) -> None:  # noqa: D102
        require("mlflow", "mlflow")
        uri = self.uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
        if uri.startswith("sqlite:"):
            require("mlflow", "sqlalchemy", "alembic")
        remote = uri.partition("://")[0] in ("http", "https")
        if remote and offline():
            raise UsageError(
                f"reporter mlflow would contact {clean(uri)}, and distbench is offline; name a "
                "file, e.g. mlflow:uri=sqlite:///mlflow.db"
            )
        try:
            # Set by a person it stays; else nothing is told to MLflow's makers.
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
            with _quiet():
                self._connect(uri)
        except Exception as error:  # MLflow's own, and those of its database or HTTP client
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UsageError(f"reporter mlflow cannot use {clean(uri)}: {clean(first)}") from None

    def finished(self, folder: Path) -> None:  # noqa: D102
        run = self._run
        if run is None:
            return
        with _quiet():
            held = self._find(_RUN, run.name)
            id = held.info.run_id if held else self._create(run.name, {_RUN: run.name})
            counts = {"cells": float(run.cells), "computed": float(run.missing)}
            self._log(id, {"suite": run.suite, "suite_version": run.suite_version}, counts, [])
            for file in sorted(folder.glob("leaderboard*")):
                self._client.log_artifact(id, str(file))
            self._client.set_terminated(id, "FINISHED")

    def _connect(self, uri: str) -> None:
        """Opens the store and the experiment."""
        from mlflow import MlflowClient

        where = None
        if uri.startswith("sqlite:///"):
            file = Path(uri.removeprefix("sqlite:///")).absolute()
            file.parent.mkdir(parents=True, exist_ok=True)
            where = (file.parent / "mlartifacts").as_uri()
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        experiment = self._client.get_experiment_by_name(self.experiment)
        if experiment is not None and experiment.lifecycle_stage == "deleted":
            raise UsageError(
                f"its experiment {self.experiment!r} was deleted; restore it, or name another "
                "with experiment=NAME"
            )
        self._experiment_id = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(self.experiment, artifact_location=where)
        )

    def record(self, row: Row) -> None:
        """Writes a cell, unless it is there and finished."""
        with _quiet():
            held = self._find(_KEY, row.key)
            if held is not None and held.info.status == "FINISHED":
                return
            named = {_KEY: row.key, "distbench.cell": cell_id(row)}
            id = held.info.run_id if held else self._create(cell_id(row), named)
            tags = {
                "distbench.status": row.status,
                "distbench.reason": reason(row),
                "distbench.first_run": self._run.name if self._run else "",
                **{f"plugin.{name}": version for name, version in row.plugins.items()},
            }
            for name, value in tags.items():
                self._client.set_tag(id, name, value)
            self._log(id, parameters(row), numbers(row), curve(row), known=held is not None)
            self._client.set_terminated(id, "FAILED" if row.status == "failed" else "FINISHED")

    def _find(self, tag: str, value: str) -> Any:
        runs = self._client.search_runs(
            [self._experiment_id], f"tags.`{tag}` = '{value}'", max_results=1
        )
        return runs[0] if runs else None

    def _create(self, name: str, tags: dict[str, str]) -> str:
        run = self._client.create_run(self._experiment_id, tags=tags, run_name=name)
        return str(run.info.run_id)

    def _log(
        self,
        id: str,
        settings: dict[str, Any],
        measured: dict[str, float],
        points: list[tuple[int, dict[str, float]]],
        *,
        known: bool = False,
    ) -> None:
        """Logs in batches as large as MLflow takes."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        # MLflow refuses to set a parameter anew, even to what it is.
        params = [] if known else [Param(k, str(v)[:_LONGEST]) for k, v in settings.items()]
        last = points[-1][0] if points else 0
        metrics = [Metric(k, v, now, step) for step, at in points for k, v in at.items()]
        metrics += [Metric(k, v, now, last) for k, v in measured.items()]
        for start in range(0, max(len(params), len(metrics)), _BATCH):
            part = slice(start, start + _BATCH)
            self._client.log_batch(id, metrics=metrics[part], params=params[part])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without MLflow's talk of database tables and of what it and its libraries will change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401 - sets the levels of its loggers, so it comes first

    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
