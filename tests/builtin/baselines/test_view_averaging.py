from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench.plugins.registry import registry


@pytest.mark.parametrize(
    ("spec", "views", "mean"),
    [
        ("view_averaging", ["plain", "flip", "crops"], "probabilities"),
        ("view_averaging:crops=false,mean=logits", ["plain", "flip"], "logits"),
        ("view_averaging:flip=false", ["plain", "crops"], "probabilities"),
    ],
)
def test_which_views(spec: str, views: list[str], mean: str) -> None:
    method: Any = registry().make("baseline", spec)
    found = method.inference(None, None)
    assert (found.views, found.mean, found.adjust) == (views, mean, None)


@pytest.mark.slow
def test_the_answers_are_those_of_the_mean(toy_options: Any) -> None:
    """Computed again from the student that was kept, which is that of `finetune`."""
    from distbench.engine.training.batches import to_batch
    from distbench.storage.predictions import predictions_digest
    from distbench.workflows.export.student import original

    options = {**toy_options, "task": "toy_task", "distiller": "none", "save_student": True}
    specs = ("finetune", "view_averaging:crops=false")
    made = distbench.run(**options, baseline=specs)
    plain, several = (row.result for row in made.rows)
    assert plain and several and plain.student_digest == several.student_digest
    student = original(made.plan, made.plan.cells[0], distbench.home(), lambda _: None)
    images = student.work.images(student.task).test
    with torch.no_grad():
        shares = [
            student.model(to_batch(some.copy(), 16, torch.device("cpu"))).softmax(1).numpy()
            for some in (images, images[:, :, ::-1])
        ]
    predictions = np.mean(shares, axis=0).argmax(1)
    assert several.predictions_digest == predictions_digest(predictions)
    assert several.accuracy == pytest.approx(float((predictions == np.arange(30) % 3).mean()))
