from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench import Classifier, TrainingSetting, train_phases
from distbench.errors import UsageError
from distbench.plugins.registry import registry


def probe(**parameters: Any) -> Any:
    return registry().make("baseline", {"use": "linear_probe", **parameters})


def test_it_is_cross_entropy_that_leaves_the_backbone_alone(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    (phase,) = probe(lr=0.3, weight_decay=0.01).phases(method_context)
    found = phase.loss(transparent, {"labelled": batch_of([[1.0, 2.0]], [0])})
    assert float(found) == pytest.approx(entropy(0, [1.0, 2.0]), rel=1e-6)
    assert not phase.train_backbone
    assert (phase.steps, phase.lr, phase.weight_decay) == (5, 0.3, 0.01)
    assert phase.streams["labelled"].positions.tolist() == [0, 1]


def test_only_the_classifier_changes(method_context: Any) -> None:
    class Backbone(torch.nn.Module):
        num_features = 4

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.norm(self.conv(x))).mean((2, 3))

    torch.manual_seed(0)
    student = Classifier(Backbone(), 2, (0.5,) * 3, (0.25,) * 3)  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in student.state_dict().items()}
    pictures = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
    setting = TrainingSetting(pictures, 8, torch.device("cpu"), "fp32", seed=1)
    (phase,) = probe().phases(method_context)
    trained, _ = train_phases(student, [phase], setting, seed=0)
    changed = {k for k, v in trained.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {"head.weight", "head.bias"}


@pytest.mark.slow
def test_settings_of_a_suite_tell_the_baseline_from_the_metric(
    toy_options: dict[str, Any], tmp_path: Path
) -> None:
    text = 'name = "s"\nversion = 1\nzoo = "toy_zoo"\nstudent = "toy_student"\n'
    file = tmp_path / "suite.toml"
    file.write_text(text + "[settings.baseline.linear_probe]\nlr = 0.5\n")
    options = {
        **toy_options,
        "suite": str(file),
        "task": "toy_task",
        "baseline": "linear_probe",
        "metric": "linear_probe",
    }
    made = distbench.run(**options)
    assert [row.reason for row in made.rows if row.status != "done"] == []
    (row,) = (row for row in made.rows if row.method.id == "linear_probe")
    assert row.method.components["baseline"]["params"]["lr"] == 0.5

    file.write_text(text + "[settings.linear_probe]\nlr = 0.5\n")
    message = r"a metric and of a baseline; write \[settings.metric.linear_probe\]"
    with pytest.raises(UsageError, match=message):
        distbench.run(**options)
    file.write_text(text + "[settings.baseline.linear_prob]\nlr = 0.5\n")
    with pytest.raises(UsageError, match="Did you mean 'linear_probe'"):
        distbench.run(**options)
