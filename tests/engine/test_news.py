"""How far a training is, told from within to whoever waits for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import distbench
from distbench.engine import news as module
from distbench.engine.execute import execute_cells
from distbench.engine.news import TrainingNews, heard_by
from distbench.interfaces.execution.unit import News
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.plugins.registry import registry


def test_a_training_tells_its_step_its_loss_and_its_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    heard: list[News] = []
    with heard_by(heard.append):
        news = TrainingNews(lambda model: 0.625)
    for step in range(1, 9):
        now[0] += 1
        news.step(step, 2000, torch.tensor(1.23456))
        if step == 4:
            assert news.validate(torch.nn.Identity()) == 0.625
    assert heard == [
        News("step 3 of 2,000, loss 1.23", 3 / 2000),
        News("step 6 of 2,000, loss 1.23, validation 62.5 %", 6 / 2000),
    ]


def test_a_training_before_the_students_is_no_share_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)
    heard: list[News] = []
    with heard_by(heard.append):
        TrainingNews(before="training resnet50").step(3, 200, torch.tensor(0.5))
    assert heard == [News("training resnet50: step 3 of 200, loss 0.5", 0.0)]


def test_nobody_listens_and_no_loss_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)
    news = TrainingNews(lambda model: None)
    news.step(1, 2, "no tensor, which would fail if it were read")  # type: ignore[arg-type]


@pytest.mark.parametrize("executor", ["serial", "local"])
def test_executors_pass_it_on(
    executor: str,
    toy_options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Of workers of their own the pace of news is that of the package: a long training tells."""
    monkeypatch.setattr(module, "EVERY", 0.0)
    options = {**toy_options, "task": "toy_task", "distiller": "none", "baseline": "finetune"}
    if executor == "local":  # a worker reads the module anew
        (toys,) = toy_options["plugin"]
        plugin = tmp_path / "eager.py"
        eager = "import distbench.engine.news\ndistbench.engine.news.EVERY = 0.0\n"
        plugin.write_text(Path(toys).read_text(encoding="utf-8") + eager, encoding="utf-8")
        options["plugin"] = (plugin,)
    config = RunConfig.make(**{**options, "executor": executor, "workers": 1})
    plan = make_plan(config)
    told: list[str] = []

    def hear(text: str, done: int = 0, total: int | None = None, **more: Any) -> None:
        told.append(text)

    made = registry(config.plugin).make("executor", executor)
    execute_cells(config, plan, plan.cells, made, lambda outcome: None, progress=hear)
    steps = [text for text in told if text.startswith("finetune on toy_task: step ")]
    assert len(steps) == 4
    assert steps[-1].startswith("finetune on toy_task: step 4 of 4, loss ")
    assert told[-1].startswith("finetune on toy_task: done")


def test_news_is_public() -> None:
    assert distbench.News("x", 0.5) == News("x", 0.5)
    assert json.dumps(vars(News("x", 0.5))) == '{"text": "x", "share": 0.5}'
