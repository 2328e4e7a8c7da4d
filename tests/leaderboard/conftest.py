"""Rows for the tests of the leaderboard, as small as the schema allows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench.storage.predictions import FILE, predictions_digest, write_predictions
from distbench.storage.row_lines import sealed_line
from distbench.storage.rows import (
    CostBlock,
    MethodBlock,
    PartsBlock,
    ResultBlock,
    Row,
    SourcesBlock,
    TaskBlock,
)

MakeRow = Callable[..., Row]
PREDICTIONS = np.zeros(1000, dtype=np.uint8)
"""Of every row here."""


def row_of(
    method: str,
    task: str,
    seed: int = 0,
    accuracy: float | None = None,
    *,
    status: str = "done",
    reason: str | None = None,
    role: str = "ranked",
    components: dict[str, Any] | None = None,
    fingerprint: str = "f",
    sources: dict[str, Any] | None = None,
    declared: dict[str, Any] | None = None,
    cost: dict[str, Any] | None = None,
    **fields: Any,
) -> Row:
    result = cost_block = None
    if status == "done":
        value = 0.5 if accuracy is None else accuracy
        result = ResultBlock(
            accuracy=value,
            balanced_accuracy=value / 2,
            validation_accuracy=None,
            predictions_digest=predictions_digest(PREDICTIONS),
            curve=(),
            sources=SourcesBlock(**(sources or {})),
            parts=PartsBlock(
                labelled=4, unlabelled=9, validation=2, test=len(PREDICTIONS), split_seed=seed
            ),
            declared=declared or {},
            student_digest="d",
        )
        costs = {
            "parameters": 1_500_000,
            "student_macs": 20_000_000,
            "teacher_macs": None,
            "steps": 200,
            "train_seconds": 2.0,
            "total_seconds": 3.0,
            "peak_memory_mb": 100.0,
        }
        cost_block = CostBlock(**{**costs, **(cost or {})})
    defaults: dict[str, Any] = {
        "key": f"{method}|{task}|{seed}",
        "suite": "mini",
        "suite_version": 1,
        "protocol": {"steps": 200, "image_size": 32},
        "student": {"name": "mini"},
        "environment": {"device": "cpu"},
    }
    return Row(
        status=status,
        reason=reason,
        method=MethodBlock(id=method, role=role, components=components or {}),
        task=TaskBlock(id=task, use=task, fingerprint=fingerprint, classes=("a", "b")),
        seed=seed,
        result=result,
        cost=cost_block,
        **{**defaults, **fields},
    )


def save(
    folder: Path,
    rows: Sequence[Row],
    tasks: Sequence[str] = ("a", "b"),
    seeds: Sequence[int] = (0,),
    planned: Iterable[Row] = (),
) -> Path:
    """A run's folder with these rows and their predictions; `planned` has a row for each cell."""
    folder.mkdir(parents=True)
    cells = [
        {"method": row.method.id, "task": row.task.id, "seed": row.seed, "key": row.key}
        for row in planned
    ]
    plan = {"tasks": [{"id": task} for task in tasks], "seeds": list(seeds), "cells": cells}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "rows.jsonl").write_text("".join(sealed_line(row) + "\n" for row in rows))
    write_predictions(folder / FILE, {row.key: PREDICTIONS for row in rows if row.result})
    return folder


@pytest.fixture
def save_run() -> Callable[..., Path]:
    """Writes a run's folder: (folder, rows, tasks, seeds, planned)."""
    return save


@pytest.fixture
def make_row() -> MakeRow:
    """Makes one row: (method, task, seed, accuracy, **what differs from the defaults)."""
    return row_of


@pytest.fixture
def make_rows() -> Callable[..., list[Row]]:
    """Makes the rows of one method from {task: accuracies by seed}."""

    def make(method: str, accuracies: dict[str, list[float]], **fields: Any) -> list[Row]:
        return [
            row_of(method, task, seed, value, **fields)
            for task, values in accuracies.items()
            for seed, value in enumerate(values)
        ]

    return make
