from __future__ import annotations

from typing import Any

import pytest

from distbench.plugins.registry import registry


def test_it_is_cross_entropy_on_labelled_images(
    teachers: Any, transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    method: Any = registry().make("distiller", "finetune_source:lr=0.2,head_lr=3")
    assert (method.role, method.initialisation, method.needs) == ("ceiling", "source", frozenset())
    (phase,) = method.phases(method_context)
    found = phase.loss(transparent, {"labelled": batch_of([[1.0, 2.0]], [1])})
    assert float(found) == pytest.approx(entropy(1, [1.0, 2.0]), rel=1e-6)
    assert (phase.steps, phase.lr, phase.head_lr) == (5, 0.2, 3)


def test_the_heaviest_source_is_trained_and_pays_for_itself(
    teachers: Any, toy_options: dict[str, Any]
) -> None:
    rows = teachers.run(toy_options, "finetune_source", strategy=("nearest", "weighted:power=2"))
    first, second = rows
    for row in rows:
        assert row.status == "done", row.reason
        assert row.method.role == "ceiling"
        assert row.result.declared["trained_source"] == "small-2"
        assert row.result.declared["initialisation"] == "source"
        assert row.cost.parameters == (8 * 3 * 25 + 8) + (8 * 8 + 8) + (8 * 3 + 3)
        own = 3 * 8 * 25 * 12 * 12 + 8 * 8 + 8 * 3
        assert row.cost.student_macs == own
        assert row.cost.training_macs == 3 * own * 5 * 8
        assert (row.cost.teacher_macs, row.cost.teacher_pass_macs) == (0, 0)
    assert first.result.student_digest == second.result.student_digest
    assert first.result.sources.weights != second.result.sources.weights


def test_a_source_without_classes_can_be_trained(
    teachers: Any, toy_options: dict[str, Any]
) -> None:
    row = teachers.only(teachers.run(toy_options, "finetune_source", strategy="only:bare-1"))
    assert row.result.declared["trained_source"] == "bare-1"


def test_a_source_without_a_trainable_form_is_declined(
    teachers: Any, toy_options: dict[str, Any]
) -> None:
    (row,) = teachers.run(toy_options, "finetune_source", strategy="only:fixed-0")
    assert row.status == "declined"
    assert row.reason == "source 'fixed-0' cannot be trained: it has no torch module"


def test_a_probe_leaves_the_source_as_it_is(
    teachers: Any, toy_options: dict[str, Any], method_context: Any
) -> None:
    method: Any = registry().make("distiller", "probe_source")
    assert (method.role, method.initialisation) == ("ceiling", "source")
    (phase,) = method.phases(method_context)
    assert not phase.train_backbone
    assert (phase.steps, phase.lr) == (5, 0.1)
    probed, tuned = (
        teachers.only(teachers.run(toy_options, distiller, strategy="only:small-2"))
        for distiller in ("probe_source", "finetune_source:lr=0.1,head_lr=1")
    )
    assert probed.result.declared["trained_source"] == "small-2"
    assert probed.cost.training_macs < tuned.cost.training_macs
    assert probed.result.student_digest != tuned.result.student_digest
