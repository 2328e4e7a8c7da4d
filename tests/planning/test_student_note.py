"""A task says so where the student's initial weights have learnt its labels."""

from __future__ import annotations

from typing import Any

from distbench.planning.plan import PlannedTask
from distbench.planning.tasks import with_student_note
from distbench.plugins.registry import registry

DOGS = PlannedTask(
    "dogs", "dogs", {}, "f", ("a", "b"), ("stanford_dogs",), ("Split by us.",), "key"
)


def noted(student: str) -> tuple[str, ...]:
    made: Any = registry().make("student", student)
    return with_student_note(DOGS, made, registry().held_by).notes


def test_labels_that_the_student_has_learnt_are_noted() -> None:
    note = "The student's initial weights have learnt labels of this task: trained on imagenet-1k."
    for student in ("timm:fastvit_s12", "torchvision:shufflenet_v2_x1_0"):
        assert noted(student) == ("Split by us.", note)


def test_a_student_that_starts_from_nothing_is_not() -> None:
    for student in (
        "timm:fastvit_s12:pretrained=false",
        "timm:fastvit_s12:weights=mine.pth",
        "mini",
    ):
        assert noted(student) == DOGS.notes
