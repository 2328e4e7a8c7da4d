"""Bundles of tasks whose images may show several classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.storage.predictions import predictions_digest
from distbench.submission.publish import submit
from distbench.submission.validate import validate

MULTI = Path(__file__).parents[1] / "multi_toys.py"


@pytest.fixture
def several(
    toy_options: dict[str, Any], parts_of: Callable[[Path], Any], tmp_path: Path
) -> tuple[Any, Callable[[Any], list[str]]]:
    """The members of such a bundle, and what validating them says."""
    plugins = (*toy_options["plugin"], MULTI)
    options = {**toy_options, "plugin": plugins, "task": ("multi_toy",), "seeds": 1}
    run = distbench.run(**options, distiller="none", baseline=("finetune", "fixmatch"))
    made, _ = submit(
        open_run(run.folder), submitter="A", licence="MIT", output=tmp_path, plugins=plugins
    )

    def judged(parts: Any) -> list[str]:
        return list(
            validate(parts.write(tmp_path / "again.distbench.zip"), plugins=plugins).reasons
        )

    return parts_of(made), judged


def test_such_a_bundle_is_sound_and_its_accuracies_are_computed_again(several: Any) -> None:
    parts, judged = several
    parts.manifest["name"] = "again"
    assert judged(parts) == []
    (facts,) = parts.plan["tasks"]
    assert facts["several"] is True and facts["measure"] == "map"
    assert {row["status"] for row in parts.rows} == {"done", "declined"}


def test_answers_that_are_not_those_of_the_row_are_refused(several: Any) -> None:
    parts, judged = several
    parts.manifest["name"] = "again"
    row = next(row for row in parts.rows if row["status"] == "done")
    mine = parts.predictions[row["key"]]
    parts.predictions[row["key"]] = 1 - mine
    assert any("not those of its digest" in reason for reason in judged(parts))
    row["result"]["predictions_digest"] = predictions_digest(1 - mine)
    told = json.dumps(judged(parts))
    assert "accuracy" in told and "not the most probable ones" in told
    parts.predictions[row["key"]] = mine[:, 0]
    row["result"]["predictions_digest"] = predictions_digest(mine[:, 0])
    assert any("its predictions are of shape (30,)" in reason for reason in judged(parts))
