"""The suites of the papers: found by name, complete, and nothing of them is contacted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from distbench import Student, Suite, SuiteDefinition
from distbench.planning.split import split_train
from distbench.plugins.registry import registry
from distbench_builtin.tasks.paper.budgets import BUDGETED
from distbench_builtin.tasks.paper.table import ENTRIES

ROOT = Path(__file__).resolve().parents[3]


def definition(name: str) -> SuiteDefinition:
    made = registry().make("suite", name)
    assert isinstance(made, Suite)
    return made.definition()


def test_paper8_has_the_eight_tasks_and_the_protocol() -> None:
    suite = definition("paper8")
    assert [entry.id for entry in suite.tasks] == list(ENTRIES)
    assert (suite.zoo, suite.student) == ("parc", "timm:mobilenetv3_large_100")
    assert (suite.protocol.labelled, suite.protocol.image_size) == (0.2, 224)
    assert suite.protocol.store_size == 256
    assert suite.overlap == "exclude"


@pytest.mark.parametrize("name", ["paper8", "taskoriented", "taskoriented_imagenet"])
def test_every_task_of_a_suite_can_be_made_and_fetched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    suite = definition(name)
    for entry in suite.tasks:
        task = registry().make("task", entry.component(), base=suite.base)
        found = task.downloads()
        assert found
        assert not any(download.present() for download in found)
    assert registry().offer("zoo", str(suite.zoo))


def test_taskoriented_has_every_published_budget() -> None:
    tiers = {name: list(found.budgets) for name, found in BUDGETED.items()}
    assert tiers == {
        "eurosat": ["5", "10", "25"],
        "ham10000": ["100", "250", "500", "1000"],
        "places365": ["50", "250", "1000"],
        "imagenet": ["1", "10", "25", "50"],
    }
    both = [definition(name) for name in ("taskoriented", "taskoriented_imagenet")]
    uses = [entry.use for suite in both for entry in suite.tasks]
    assert uses == [f"taskoriented-{n}:budget={b}" for n, found in tiers.items() for b in found]
    assert both[0].protocol == both[1].protocol
    assert [suite.settings for suite in both] == [{"task_oriented": {"teaching": "full"}}] * 2
    assert definition("taskoriented").protocol.labelled == 1.0


def test_no_task_of_imagenet_starts_from_its_labels() -> None:
    def student(name: str) -> Student:
        return registry().make("student", definition(name).student)

    assert student("taskoriented").trained_on() == ["imagenet-1k"]
    assert not any("imagenet" in entry.use for entry in definition("taskoriented").tasks)
    assert student("taskoriented_imagenet").trained_on() == ()
    assert student("taskoriented_imagenet").fingerprint() == "random"


def test_paper8_names_its_metric() -> None:
    assert definition("paper8").metric == "parc"


def test_all_labels_of_a_budget_are_used() -> None:
    import numpy as np

    labels = np.array([0, 1, -1, -1, 0, 1, 0, 1])
    given = np.array([6, 7])
    protocol = definition("taskoriented").protocol
    split = split_train(labels, ("a", "b"), protocol, 0, given)
    assert split.labelled.tolist() == [0, 1, 4, 5]
    assert split.unlabelled.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.slow
def test_what_a_suite_needs_is_shown_before_anything_is_fetched(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "distbench", "fetch", "--suite", "paper8", "--offline"]
    command += ["--dry-run", "--only", "nabirds", "--only", "eurosat"]
    environment = {"HOME": str(tmp_path), "PATH": "", "DISTBENCH_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "NABirds (official)" in done.stdout
    assert "cannot get EuroSAT: distbench is offline" in done.stdout


@pytest.mark.slow
def test_a_run_without_the_data_names_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "distbench", "run", "--suite", "paper8", "--offline"]
    command += ["--task", "nabirds", "--zoo", "mini", "--student", "mini"]
    environment = {"HOME": str(tmp_path), "PATH": "", "DISTBENCH_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 3
    assert "NABirds is not on this machine" in done.stderr
    assert "`distbench fetch --task paper-nabirds`" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_speaks_of_every_task_and_mirror() -> None:
    text = (ROOT / "docs" / "paper8.md").read_text()
    for name, entry in ENTRIES.items():
        assert f"`{name}`" in text
        for mirror in entry.mirrors:
            assert f"`{mirror.key}`" in text, mirror.key
    assert "ADE20K" in text
