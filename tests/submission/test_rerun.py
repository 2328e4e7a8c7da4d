"""Cells of a bundle computed again, and those that are not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.errors import UsageError
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport

NAME = "toy.distbench.zip"


@pytest.mark.slow
def test_cells_computed_again_are_equal_in_every_bit(made: Path, plugins: tuple[Path, ...]) -> None:
    """In a home of its own, where nothing was computed before."""
    report = validate(made / NAME, plugins=plugins, rerun=3, choice=5)
    assert report.reasons == [] and report.notes == []
    assert [one["outcome"] for one in report.facts["rerun"]] == ["bit-equal"] * 3
    assert len({one["method"] for one in report.facts["rerun"]}) == 3, "one of each first"
    assert report.facts["rerun_choice"] == 5
    again = validate(made / NAME, plugins=plugins, rerun=3, choice=5)
    assert again.facts["rerun"] == report.facts["rerun"], "the seed repeats the choice"
    assert os.environ.get("DISTBENCH_OFFLINE") is None


def test_an_accuracy_that_is_not_reached_again_is_refused(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    """Predictions that fit their row in every way, but that no such student makes."""
    import numpy as np

    from distbench.storage.predictions import predictions_digest

    for row in parts.rows:
        found = (np.arange(30) % 3).astype(np.uint8)
        parts.predictions[row["key"]] = found
        row["result"] |= {
            "accuracy": 1.0,
            "balanced_accuracy": 1.0,
            "predictions_digest": predictions_digest(found),
            "probabilities_digest": None,
        }
    parts.without_probabilities()
    path = parts.write(tmp_path / NAME)
    assert validate(path, plugins=plugins).reasons == [], "labels alone do not tell"
    report = validate(path, plugins=plugins, rerun=1, choice=1)
    assert len(report.reasons) == 1
    assert "accuracy 1.0000 is claimed, computed again it is" in report.reasons[0]
    lenient = validate(path, plugins=plugins, rerun=1, choice=1, tolerance=1.0)
    assert lenient.reasons == []
    assert lenient.facts["rerun"][0]["outcome"] == "compared"


def test_a_key_that_nothing_here_leads_to_is_refused(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    from distbench.storage.hashing import digest

    text = json.dumps([parts.plan, parts.rows])
    for row in parts.rows:
        key = digest(row["key"])
        text = text.replace(row["key"], key)
        parts.predictions[key] = parts.predictions.pop(row["key"])
        parts.probabilities[key] = parts.probabilities.pop(row["key"])
    parts.plan, parts.rows = json.loads(text)
    parts.manifest["plan_digest"] = digest(["toy_suite", sorted(parts.predictions)])
    path = parts.write(tmp_path / NAME)
    assert validate(path, plugins=plugins).reasons == []
    report = validate(path, plugins=plugins, rerun=1)
    assert "planned here it has another key" in report.reasons[0]


def test_other_versions_are_noted_and_not_computed(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    installed = f'"distbench": "{distbench.__version__}"'
    text = json.dumps([parts.plan, parts.rows]).replace(installed, '"distbench": "9"')
    for row in parts.rows:
        text = text.replace(row["key"], row["key"][::-1])
        for tensors in (parts.predictions, parts.probabilities):
            tensors[row["key"][::-1]] = tensors.pop(row["key"])
    parts.plan, parts.rows = json.loads(text)
    from distbench.storage.hashing import digest

    parts.manifest["plan_digest"] = digest(["toy_suite", sorted(parts.predictions)])
    parts.manifest["plugins"] = {"distbench": ["9"]}
    report = validate(parts.write(tmp_path / NAME), plugins=plugins, rerun=2)
    assert report.reasons == []
    assert report.notes == [
        f"made with distbench 9, which is newer than this one ({distbench.__version__}): what it "
        "may do that this one cannot was not compared",
        "12 drawn cells were not computed again: other versions of distbench or of plugins are "
        "installed here",
        "only 0 of 2 cells could be computed again",
    ]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"lr": "/etc/passwd"}, "finetune: 'finetune': lr='/etc/passwd' will not do"),
        ({"lr": "https://example.org/x"}, "lr='https://example.org/x' will not do"),
    ],
)
def test_parameters_that_lead_somewhere_are_not_followed(
    parts: Any, judge: Callable[[Any], ValidationReport], params: dict[str, Any], why: str
) -> None:
    for holder in (*parts.plan["methods"], *(row["method"] for row in parts.rows)):
        if holder["id"] == "finetune":
            holder["components"]["baseline"]["params"] |= params
    report = judge(parts)
    assert any(why in reason for reason in report.reasons)


def test_a_component_that_takes_a_path_or_a_nested_one_that_is_not_said_in_full() -> None:
    from distbench.plugins.registry import registry
    from distbench.submission.suite_checks import Unfollowed, component_of

    names = registry()
    with pytest.raises(Unfollowed, match=r"task folder takes a path \(path\)"):
        component_of(names, "task", {"name": "folder", "version": 1, "params": {}})
    inner = {"name": "folder", "version": 1, "params": {}}
    for transfer, why in (
        (inner, "task folder takes a path"),
        ({"use": "folder:path=x"}, "has no name"),
        ("folder:path=x", "transfer is not said in full"),
    ):
        identity = {"name": "pseudo_labels", "version": 1, "params": {"transfer": transfer}}
        with pytest.raises(Unfollowed, match=why):
            component_of(names, "distiller", identity)
    with pytest.raises(UsageError, match="metric logme takes no such files"):
        component_of(names, "metric", {"name": "logme", "params": {}, "files": {"x": "0"}})


def test_a_suite_that_is_not_installed_is_said(made: Path) -> None:
    report = validate(made / NAME, rerun=1)
    assert report.reasons == []
    assert report.facts["recomputed"] == 0 and report.facts["not_recomputed"] == 12
    text = "\n".join(report.notes)
    assert "suite 'toy_suite' is not installed here: its protocol, tasks and settings" in text
    assert "the accuracy of 6 rows on toy was not recomputed: the labels are not at hand" in text
    assert "drawn cells were not computed again: suite 'toy_suite' is not installed" in text


def test_a_task_is_made_from_its_name_only_where_that_leads_nowhere() -> None:
    from distbench.plugins.registry import registry
    from distbench.submission.manifest import PlanTask
    from distbench.submission.task_labels import TaskLabels

    labels = TaskLabels(registry(), None)

    def task(use: str) -> Any:
        facts = {"id": use.replace(":", "-"), "fingerprint": "f", "classes": ("a", "b")}
        return labels.task(PlanTask(use=use, **facts))

    assert len(task("mini-cub:train=200,test=40").parts["test"]) == 40
    for use in ("folder:path=x", "hub:a/b", "mini-cub:train=1e12", "nothing", "mini-cub:test=/x"):
        assert task(use) == "it is not found by name in an installed suite or plugin"
