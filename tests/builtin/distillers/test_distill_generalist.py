from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distbench.errors import UsageError
from distbench.plugins.registry import registry

SUITE = """
name = "s"
version = 1
zoo = "teacher_zoo"
student = "toy_student"
{generalist}
[[tasks]]
id = "t"
use = "toy_task"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "s.toml"
    file.write_text(SUITE.format(generalist='generalist = "general"'))
    return file


def test_it_has_the_parameters_and_loss_of_pseudo_labels() -> None:
    control, ranked = (
        registry().make("distiller", name) for name in ("distill_generalist", "pseudo_labels")
    )
    assert control.parameters().keys() == ranked.parameters().keys()
    assert type(control).phases is type(ranked).phases  # type: ignore[attr-defined]
    assert (control.role, ranked.role) == ("control", "ranked")


@pytest.mark.slow
def test_it_learns_from_the_generalist_alone_and_counts_once(
    teachers: Any, toy_options: dict[str, Any], suite: Path
) -> None:
    rows = teachers.run(
        toy_options,
        ("distill_generalist", "pseudo_labels"),
        suite=str(suite),
        zoo=None,
        task=("t",),
        strategy=("nearest", "equal"),
    )
    assert [row.method.id for row in rows] == [
        "distill_generalist",
        "pseudo_labels/nearest/by_name",
        "pseudo_labels/equal",
    ]
    control, nearest, _ = rows
    assert control.status == "done", control.reason
    assert control.method.role == "control"
    assert control.result.sources.weights == {"general": 1.0}
    assert control.result.sources.eligible == ("general",)
    assert control.result.sources.fingerprints == {"general": "teacher-3"}
    assert control.cost.teacher_pass_macs == 4000 * 60
    assert "general" not in nearest.result.sources.weights
    assert "general" not in nearest.result.sources.excluded


def test_one_that_saw_the_task_is_declined_and_changes_no_other_cell(
    teachers: Any, toy_options: dict[str, Any], suite: Path
) -> None:
    options = {"suite": str(suite), "zoo": None, "task": ("toy_task:hue=0.5",)}
    (before,) = teachers.run(toy_options, "pseudo_labels", **options)
    control, after = teachers.run(
        {**toy_options, "name": "b"}, ("distill_generalist", "pseudo_labels"), **options
    )
    assert control.status == "declined"
    assert control.reason == "general saw this task: trained on toy-data"
    assert after.key == before.key
    assert "general" not in after.result.sources.excluded


def test_a_suite_without_a_generalist_has_no_such_control(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "s.toml"
    file.write_text(SUITE.format(generalist=""))
    with pytest.raises(UsageError, match="suite 's' names none"):
        teachers.run(toy_options, "distill_generalist", suite=str(file), zoo=None, task=("t",))
