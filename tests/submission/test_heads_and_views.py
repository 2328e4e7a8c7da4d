"""Bundles of students with heads of their own and several views: their sizes and costs go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.submission.publish import submit
from distbench.submission.validate import validate

HERE = Path(__file__).parent
PLUGINS = (HERE.parent / "toys.py", HERE / "toy_suite.py")
BASELINES = (
    *("finetune", "head_finetune", "head_finetune:mlp:hidden=4", "head_finetune:prototype"),
    *("logit_adjusted", "view_averaging", "view_averaging:crops=false"),
)


@pytest.mark.slow
def test_their_bundle_is_accepted() -> None:
    options: dict[str, Any] = {"plugin": PLUGINS, "suite": "toy_suite", "distiller": "none"}
    more = {"executor": "serial", "name": "toy", "save_student": False}
    made = distbench.run(**options, **more, baseline=BASELINES)
    assert {row.status for row in made.rows} == {"done"}
    sizes = {row.cost.parameters for row in made.rows if row.cost and row.task.id == "toy"}
    assert len(sizes) > 2
    submit(
        open_run(Path("toy")),
        submitter="Ada Lovelace",
        licence="CC-BY-4.0",
        output=Path(),
        plugins=PLUGINS,
    )
    report = validate(next(Path().glob("*.distbench.zip")), plugins=PLUGINS)
    assert report.reasons == []
