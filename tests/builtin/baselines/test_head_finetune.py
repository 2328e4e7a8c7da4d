from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench import CosineHead, Declined, MLPHead, PrototypeHead
from distbench.plugins.registry import registry


def make(spec: str) -> Any:
    return registry().make("baseline", spec)


def test_which_head_is_built() -> None:
    cosine = make("head_finetune:scale=4").build_head(6, 3)
    mlp = make("head_finetune:mlp:hidden=5").build_head(6, 3)
    prototype = make("head_finetune:prototype:scale=0.5").build_head(6, 3)
    assert isinstance(cosine, CosineHead) and cosine.scale.item() == 4
    assert isinstance(mlp, MLPHead) and mlp.hidden.weight.shape == (5, 6)
    assert isinstance(prototype, PrototypeHead) and prototype.scale == 0.5
    assert make("head_finetune:linear").build_head(6, 3) is None


@pytest.mark.parametrize("head", ["cosine", "mlp", "linear"])
def test_those_that_are_trained_learn_by_cross_entropy(
    head: str, transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    (phase,) = make(f"head_finetune:{head}:lr=0.2,head_lr=3").phases(method_context)
    found = phase.loss(transparent, {"labelled": batch_of([[1.0, 2.0]], [1])})
    assert float(found) == pytest.approx(entropy(1, [1.0, 2.0]), rel=1e-6)
    assert (phase.lr, phase.head_lr) == (0.2, 3)
    assert make(f"head_finetune:{head}").inference(method_context, None) is None


def test_an_episode_by_hand(transparent: Any, method_context: Any, entropy: Any) -> None:
    """Three images of classes 0, 1, 1: what one view of them says of where the other is."""
    (phase,) = make("head_finetune:prototype:scale=0.5").phases(method_context)
    assert phase.streams["labelled"].views == {"support": "weak", "query": "weak"}
    support = torch.tensor([[0.0, 0.0], [2.0, 0.0], [4.0, 2.0]])  # means (0, 0) and (3, 1)
    query = torch.tensor([[1.0, 0.0], [3.0, 2.0], [0.0, 1.0]])
    shown = distbench.Batch({"support": support, "query": query}, torch.tensor([0, 1, 1]), {}, None)
    # Squared distances to both means: 1 and 5, 13 and 1, 1 and 9.
    wanted = [entropy(0, [-0.5, -2.5]), entropy(1, [-6.5, -0.5]), entropy(1, [-0.5, -4.5])]
    found = phase.loss(transparent, {"labelled": shown})
    assert float(found) == pytest.approx(sum(wanted) / 3, rel=1e-6)


class Shown:
    def features(self, positions: Any) -> Any:
        return np.array([[1.0, 0.0], [5.0, 4.0], [7.0, 0.0]], dtype=np.float32)[positions]


def test_prototypes_are_means_of_the_labelled_images(method_context: Any) -> None:
    labels, labelled = np.array([0, 1, 1, -1, 1]), np.arange(3)
    context = replace(method_context, labels=labels, labelled=labelled)
    found = make("head_finetune:prototype").inference(context, Shown())
    assert found.head["prototypes"].tolist() == [[1, 0], [6, 2]]


def test_prototypes_decline_where_there_is_nothing_to_make_them_of(method_context: Any) -> None:
    method = make("head_finetune:prototype")
    with pytest.raises(Declined, match="class 'b' has no labelled image"):
        method.phases(replace(method_context, labelled=np.array([0])))
    with pytest.raises(Declined, match="one class each"):
        method.phases(replace(method_context, labels=np.zeros((5, 2), dtype=np.int64)))


@pytest.mark.slow
def test_the_judged_prototypes_are_those_of_the_judged_student(toy_options: Any) -> None:
    """A linear head is that of `finetune`; prototypes classify as the nearest mean does."""
    from distbench.engine.training.batches import to_batch
    from distbench.workflows.export.student import original

    options = {**toy_options, "task": "toy_task", "distiller": "none", "save_student": True}
    specs = ("finetune", "head_finetune:linear", "head_finetune:prototype")
    made = distbench.run(**options, baseline=specs)
    plain, linear, _ = (row.result for row in made.rows)
    assert plain and linear and plain.student_digest == linear.student_digest
    student = original(made.plan, made.plan.cells[2], distbench.home(), lambda _: None)
    context = student.work.context(student.task, 0)
    images = student.work.images(student.task).train
    cpu = torch.device("cpu")
    with torch.no_grad():
        features = student.model.features(to_batch(images, 16, cpu)).numpy()
        logits = student.model(to_batch(images, 16, cpu)).numpy()
    known = context.labels[context.labelled]
    means = np.stack([features[context.labelled][known == c].mean(0) for c in range(3)])
    distances = ((features[:, None] - means) ** 2).sum(2)
    assert np.array_equal(logits.argmax(1), distances.argmin(1))
