"""What rows say of the cost of a method, its sources included."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import distbench
from distbench.engine.student_costs import latency_ms
from distbench.workflows.run import write_tables


def test_costs_of_methods_with_and_without_sources(toy_options: dict[str, Any]) -> None:
    options = {**toy_options, "task": ("toy_task",), "baseline": ("finetune",)}
    made = distbench.run(**options, strategy=("equal",))
    costs = {row.method.id: row.cost for row in made.rows}
    plain, distilled = costs["finetune"], costs["pseudo_labels/equal"]
    assert plain is not None and distilled is not None
    assert (plain.teacher_pass_macs, plain.teacher_training_macs, plain.selection_macs) == (0, 0, 0)
    assert (plain.teacher_pass_seconds, plain.teacher_training_seconds) == (0, 0)
    # 4 steps of 8 labelled images, forward and twice as much back; as many unlabelled ones
    assert plain.training_macs == 3 * 4 * 8 * plain.student_macs
    assert distilled.training_macs == 2 * plain.training_macs
    # 3 sources of 1,000 operations, 60 train images
    assert (distilled.teacher_macs, distilled.teacher_pass_macs) == (3000, 60 * 3000)
    assert distilled.teacher_pass_seconds is not None and distilled.teacher_pass_seconds > 0
    assert distilled.latency_ms is not None and 0 < distilled.latency_ms < 1000
    assert (made.folder / "pareto.svg").exists()
    assert write_tables(made.plan, (), made.folder) is None
    assert not list(made.folder.glob("leaderboard*"))


def test_latency_is_the_median_of_three_passes_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []

    class Model(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            passes.append(tuple(images.shape))
            return images

    assert latency_ms(Model(), 8, torch.device("cpu"), seconds=0.0) >= 0
    assert passes == [(1, 3, 8, 8)] * 4
    del passes[:]
    ticks = iter([0.0, 0, 0, 0, 0, 0, 1, 1, 4, 4, 6, 6, 7])
    monkeypatch.setattr("distbench.engine.student_costs.time.perf_counter", lambda: next(ticks))
    # three before, then passes of 1, 3 and 2 seconds
    assert latency_ms(Model(), 8, torch.device("cpu"), seconds=5.0) == 2000
    assert len(passes) == 6
