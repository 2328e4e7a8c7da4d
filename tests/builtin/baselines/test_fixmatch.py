from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench.plugins.registry import registry
from distbench_builtin.baselines.fixmatch import PRETRAINED_RATE

RESULTS = Path(__file__).parents[3] / "docs" / "results"


def method(**parameters: Any) -> Any:
    return registry().make("baseline", {"use": "fixmatch", **parameters})


def test_the_published_settings_are_the_defaults(method_context: Any) -> None:
    made = method()
    assert (made.threshold, made.mu, made.weight) == (0.95, 7, 1.0)
    assert made.weight_decay == 5e-4
    (phase,) = made.phases(method_context)
    assert phase.ema
    assert phase.momentum == 0.9
    assert phase.steps == 5
    unlabelled = phase.streams["unlabelled"]
    assert (unlabelled.batch, unlabelled.views) == (14, ("weak", "strong"))
    assert unlabelled.positions.tolist() == [0, 1, 2, 3], "the labelled images are among them"
    assert unlabelled.labels is None


@pytest.mark.parametrize("name", ["fixmatch", "flexmatch"])
def test_the_published_rate_is_for_students_that_start_from_nothing(
    name: str, method_context: Any
) -> None:
    random = replace(method_context, pretrained=False)

    def rate(context: Any, **parameters: Any) -> float:
        (phase,) = registry().make("baseline", {"use": name, **parameters}).phases(context)
        return phase.lr

    assert rate(random) == 0.03
    assert rate(method_context) == 0.01
    assert [rate(context, lr=0.02) for context in (random, method_context)] == [0.02, 0.02]
    assert registry().make("baseline", name).version == 2


def test_the_rate_of_pretrained_students_is_what_searches_on_development_tasks_found() -> None:
    rates = []
    for file in ("mini-tuning.json", "real-tuning.json"):
        for study in json.loads((RESULTS / file).read_text())["studies"]:
            if study["method"] in ("fixmatch", "flexmatch"):
                done = sorted(study["trials"], key=lambda trial: -trial["value"])[:3]
                rates += [trial["parameters"]["baseline.lr"] for trial in done]
    assert len(rates) == 9
    assert float(f"{np.exp(np.mean(np.log(rates))):.0e}") == PRETRAINED_RATE


def test_confident_guesses_are_learnt_on_strong_views(
    transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    (phase,) = method(threshold=0.9, weight=2).phases(method_context)
    batches = {
        "labelled": batch_of([[1.0, 2.0]], [1]),
        "unlabelled": batch_of(
            [[5.0, 0.0], [0.2, 0.0], [0.0, 4.0]], strong=[[0.0, 5.0], [9.0, 0.0], [1.0, 1.5]]
        ),
    }
    # The second guess is not confident: it counts in the mean and nowhere else.
    consistency = (entropy(0, [0.0, 5.0]) + entropy(1, [1.0, 1.5])) / 3
    expected = entropy(1, [1.0, 2.0]) + 2 * consistency
    assert float(phase.loss(transparent, batches)) == pytest.approx(expected, rel=1e-6)


def test_all_views_go_through_the_student_at_once(method_context: Any, batch_of: Any) -> None:
    sizes = []

    def student(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        return images.flatten(1)[:, :2]

    (phase,) = method().phases(method_context)
    phase.loss(
        student, {"labelled": batch_of([[0.0, 1.0]], [1]), "unlabelled": batch_of([[9.0, 0.0]])}
    )
    assert sizes == [3]


def test_weak_views_are_not_learnt_from(
    transparent: Any, method_context: Any, batch_of: Any
) -> None:
    (phase,) = method(threshold=0.5).phases(method_context)
    batches = {"labelled": batch_of([[0.0, 1.0]], [1]), "unlabelled": batch_of([[2.0, 0.0]])}
    views = batches["unlabelled"].views
    weak, strong = views["weak"].requires_grad_(), views["strong"].requires_grad_()
    phase.loss(transparent, batches).backward()
    assert not weak.grad.any()
    assert strong.grad.any()
