from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import TeacherLogits, TeacherRecipe
from distbench.interfaces.context import TransferSet
from distbench.plugins.registry import registry
from distbench_builtin.distillers.task_oriented import mixture


def outputs(train: list[list[float]], transfer: list[list[float]] | None = None) -> TeacherLogits:
    there = None if transfer is None else np.array(transfer, dtype=np.float32)
    return TeacherLogits(np.array(train, dtype=np.float32), there, steps=0, macs=0)


def test_several_sources_are_mixed_by_weight_as_probabilities(teachers: Any) -> None:
    first, second = [2.0, 0.0], [-1.0, 3.0]
    found = mixture([outputs([first]), outputs([second])], [0.7, 0.3], "train", temperature=2.0)
    a, b = teachers.softmax([1.0, 0.0]), teachers.softmax([-0.5, 1.5])
    assert found[0] == pytest.approx([0.7 * a[0] + 0.3 * b[0], 0.7 * a[1] + 0.3 * b[1]])
    assert found.dtype == np.float32
    there = mixture([outputs([first], [second])], [1.0], "transfer", temperature=1.0)
    assert there[0] == pytest.approx(teachers.softmax(second))


def test_the_loss_is_the_divergence_of_teacher_and_student(
    teachers: Any, transparent: Any, batch_of: Any
) -> None:
    method: Any = registry().make("distiller", "task_oriented:temperature=2")
    p = [[0.9, 0.1], [0.5, 0.5]]
    z = [[1.0, 2.0], [0.0, 3.0]]
    batch = teachers.with_targets(batch_of(z), teacher=p)
    expected = 0.0
    for own, logits in zip(p, z, strict=True):
        q = teachers.softmax([v / 2 for v in logits])
        expected += sum(a * math.log(a / b) for a, b in zip(own, q, strict=True))
    found = method.match(transparent, {"unlabelled": batch}).item()
    assert found == pytest.approx(4 * expected / 2, rel=1e-6)


def test_it_trains_teachers_distils_and_fine_tunes_within_the_steps(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any, entropy: Any
) -> None:
    text = (
        "task_oriented:share=0.6,ratio=3,lr=0.2,head_lr=4,finetune_lr=0.3,finetune_head_lr=5,"
        "weight_decay=0.01,teaching=full,teacher_steps=7,teacher_lr=0.4,teacher_head_lr=6"
    )
    method: Any = registry().make("distiller", text)
    asked = []

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        asked.append((source.info.name, recipe))
        return outputs([[3.0, 0.0]] * 5)

    sources = [teachers.source(name, 0.5, [[0.0]] * 5) for name in "ab"]
    context = teachers.learning_from(method_context, *sources)
    distil, finetune = method.phases(replace(context, train_teacher=train_teacher))
    wanted = TeacherRecipe(
        fine_tune=True, steps=7, batch=2, lr=0.4, head_lr=6, weight_decay=0.01, strength=0.1
    )
    assert asked == [("a", wanted), ("b", wanted)]
    assert (distil.name, distil.steps, distil.lr, distil.head_lr) == ("distil", 3, 0.2, 4)
    assert (finetune.name, finetune.steps, finetune.lr, finetune.head_lr) == ("finetune", 2, 0.3, 5)
    assert (distil.weight_decay, finetune.weight_decay) == (0.01, 0.01)
    (stream,) = distil.streams.values()
    assert (stream.batch, stream.positions.tolist(), stream.labels) == (6, [0, 1, 2, 3], None)
    assert stream.targets["teacher"][4] == pytest.approx(teachers.softmax([3.0, 0.0]))
    found = finetune.loss(transparent, {"labelled": batch_of([[1.0, 2.0]], [1])})
    assert float(found) == pytest.approx(entropy(1, [1.0, 2.0]), rel=1e-6)


@pytest.mark.parametrize(
    ("share", "steps", "expected"),
    [(0.5, 5, [2, 3]), (0.01, 5, [1, 4]), (1, 5, [5]), (0.9, 1, [1]), (0.6, 300, [180, 120])],
)
def test_all_steps_are_used_and_no_more(
    teachers: Any, method_context: Any, share: float, steps: int, expected: list[int]
) -> None:
    method: Any = registry().make("distiller", f"task_oriented:share={share}")
    context = teachers.learning_from(method_context, teachers.source("s", 1.0, [[0.0]] * 5))
    protocol = context.protocol.model_copy(update={"steps": steps})

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        return outputs([[0.0, 0.0]] * 5)

    phases = method.phases(replace(context, train_teacher=train_teacher, protocol=protocol))
    assert [phase.steps for phase in phases] == expected


def test_predictions_of_teachers_on_a_transfer_set_are_distilled(
    teachers: Any, method_context: Any, tmp_path: Path
) -> None:
    folder = teachers.a_folder(tmp_path / "x")
    method: Any = registry().make("distiller", f'task_oriented:transfer="images:path={folder}"')
    source = teachers.source("s", 1.0, [[0.0]] * 5)
    transfer = TransferSet(np.array([1]), lambda name: source.embedding)
    context = teachers.learning_from(method_context, source, transfer=transfer)

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        return outputs([[0.0, 0.0]] * 5, [[0.0, 0.0], [0.0, 2.0]])

    distil, _ = method.phases(replace(context, train_teacher=train_teacher))
    assert list(distil.streams) == ["transfer"]
    found = distil.streams["transfer"].targets["teacher"][1]
    assert found == pytest.approx(teachers.softmax([0.0, 2.0]))


def test_a_row_says_what_teachers_took(teachers: Any, toy_options: dict[str, Any]) -> None:
    options = {"strategy": "equal", "metric": "by_name"}
    linear, full = teachers.run(
        toy_options,
        ("task_oriented", "task_oriented:teaching=full,teacher_steps=3"),
        **options,
    )
    assert linear.status == "done", linear.reason
    assert linear.result is not None and linear.cost is not None
    assert linear.result.declared["teacher_steps"] == 0
    assert [p["name"] for p in linear.result.declared["phases"]] == ["distil", "finetune"]
    assert linear.result.declared["steps"] == linear.cost.steps == 5
    # a source without classes takes part, the generalist does not
    assert set(linear.result.sources.weights) == {"fixed-0", "bare-1", "small-2"}
    assert linear.cost.teacher_pass_macs == (1000 + 2000 + 3000) * 60
    assert linear.cost.teacher_training_macs == 0
    assert full.status == "declined"
    assert full.reason == "source 'fixed-0' cannot be trained: it has no torch module"


@pytest.mark.slow
def test_a_source_is_trained_as_a_whole(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "task_oriented:teaching=full,teacher_steps=3"
    row = teachers.only(teachers.run(toy_options, text))
    assert row.result.sources.weights["small-2"] == 1
    assert row.result.declared["teacher_steps"] == 3
    own = 3 * 8 * 25 * 12 * 12 + 8 * 8 + 8 * 3  # convolution, hidden layer, new classifier
    assert row.cost.teacher_training_macs == own * (3 * 3 * 8 + 60)
    assert row.cost.teacher_pass_macs == 0
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "elsewhere"))
    again = teachers.only(teachers.run(toy_options, text))
    assert again.result == row.result


def test_it_distils_on_what_it_retrieves(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path
) -> None:
    folder = teachers.a_folder(tmp_path / "gallery")
    text = f'task_oriented:teaching=full,teacher_steps=2,transfer="images:path={folder}",budget=18'
    row = teachers.only(teachers.run(toy_options, text))
    assert row.result.declared["transfer_images"] == 9
    assert row.result.declared["phases"][0]["images_per_step"] == {
        "unlabelled": {"weak": 8},
        "transfer": {"weak": 8},
    }
    own = 3 * 8 * 25 * 12 * 12 + 8 * 8 + 8 * 3
    assert row.cost.teacher_training_macs == own * (3 * 2 * 8 + 60 + 9)
    assert all(math.isfinite(point.loss) for point in row.result.curve)


def test_temperature_one_leaves_the_probabilities_alone(transparent: Any, batch_of: Any) -> None:
    method: Any = registry().make("distiller", "task_oriented")
    z = torch.tensor([[1.0, 2.0]])
    batch = replace(batch_of(z.tolist()), targets={"teacher": z.softmax(1)})
    assert method.match(transparent, {"unlabelled": batch}).item() == pytest.approx(0, abs=1e-6)
