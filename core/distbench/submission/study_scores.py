"""What metrics said in a study, carried by the rows of the single sources that they were said of.

A study's folder holds the run of all single sources and, in ``study.json``, the scores of every
metric. In a bundle each row of that run has, as ``declared["metric_scores"]``, what every metric
said of the one source that its student learnt from: so scores and accuracies cannot come apart, and
a reader of rows needs nothing else to judge the metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from distbench.engine.records.run_folder import RunFolder, open_run
from distbench.errors import RefusedError, UsageError
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.home import home
from distbench.storage.rows import STUDIED, ResultBlock

STUDY = "study.json"
SOURCES = "sources"
"""The folder of the run of all single sources, inside of a study's."""

MetricScores = Mapping[str, Mapping[str, Any]]
"""Metric to its ``component``, an identity, and its ``cells``: (task, seed) to source to score."""


def study_folder(run: Path | None, runs: Path = Path("runs")) -> Path | None:
    """The folder of a study, or of its name under `runs`; None if there is none of that name."""
    places = () if run is None else (run, runs / run)
    return next((place for place in places if (place / STUDY).is_file()), None)


def open_study(folder: Path) -> tuple[RunFolder, MetricScores]:
    """A study's run, and what the metrics said, held against the store.

    Raises:
        UsageError: It is damaged, or was written by a distbench that did not say by what it scored.
        RefusedError: Scores are not those that were computed.
    """
    try:
        table = from_json((folder / STUDY).read_bytes())
        if table.get("team_size", 1) > 1:
            raise UsageError(
                f"{folder} is a study of teams; a leaderboard's table of metrics is of single "
                "sources, so submit a study without --teams"
            )
        metrics = {
            str(metric): {
                "component": dict(of["component"]),
                "cells": {
                    (str(cell["task"]), int(cell["seed"])): {
                        str(source): float(score) for source, score in cell["sources"].items()
                    }
                    for cell in of["cells"]
                },
            }
            for metric, of in table["scores"].items()
        }
        keys = [
            (metric, cell["task"], cell["seed"], cell["key"], cell["sources"])
            for metric, of in table["scores"].items()
            for cell in of["cells"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{folder / STUDY} does not say how metrics scored; `distbench study` with the same "
            "options writes it again"
        ) from None
    kept = ArtifactCache(home() / "artifacts")
    for metric, task, seed, key, scores in keys:
        artifact = kept.get("scores", key)
        if artifact is None:
            continue  # made on another machine, or failed
        if from_json((artifact / "scores.json").read_bytes())["values"] != scores:
            raise RefusedError(
                f"{folder}: the scores of {metric} on {task}, seed {seed}, are not what was "
                "computed and stored here; run the study again"
            )
    return open_run(folder / SOURCES), metrics


def with_scores(run: RunFolder, metrics: MetricScores) -> RunFolder:
    """A run of single sources whose finished rows carry what each metric said of their source."""
    rows = []
    for row in run.rows:
        source = single_source(row.result)
        if row.result is not None and source is not None:
            of_source = {
                metric: {
                    "component": of["component"],
                    "score": of["cells"][row.task.id, row.seed].get(source),
                }
                for metric, of in metrics.items()
                if (row.task.id, row.seed) in of["cells"]
            }
            declared = {**row.result.declared, STUDIED: of_source}
            result = row.result.model_copy(update={"declared": declared})
            row = row.model_copy(update={"result": result})
        rows.append(row)
    return replace(run, rows=tuple(rows))


def without_scores(result: ResultBlock) -> ResultBlock:
    """A result as its cell gives it, without what metrics said of its source."""
    if STUDIED not in result.declared:
        return result
    declared = {key: value for key, value in result.declared.items() if key != STUDIED}
    return result.model_copy(update={"declared": declared})


def single_source(result: ResultBlock | None) -> str | None:
    """The one source that was learnt from; None if there are more, or none."""
    weights = result.sources.weights if result else {}
    used = [name for name, weight in weights.items() if weight > 0]
    return used[0] if len(used) == 1 else None
