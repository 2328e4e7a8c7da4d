"""The rule that advises: validation images decide as far as they can, then experience."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distbench.interfaces.suite import Protocol
from distbench.leaderboard.statistics import accuracy_interval
from distbench.workflows.advise.candidates import Candidate, kind_of
from distbench.workflows.advise.label_curve import CurvePoint, LabelCurve
from distbench.workflows.advise.label_runs import fewer_labels
from distbench.workflows.advise.rule import EXPERIENCE, choose


def candidate(kind: str, right: int, images: int, role: Any = "ranked") -> Candidate:
    validation = accuracy_interval(np.arange(images)[None] < right)
    return Candidate(kind, kind, role, 1, validation, None, None, None, None)


def test_few_images_leave_it_to_experience_and_many_do_not() -> None:
    ahead, behind = EXPERIENCE[0], EXPERIENCE[-1]
    few = choose([candidate(behind, 16, 20), candidate(ahead, 15, 20)])
    assert few is not None
    assert (few.advised.kind, few.leader.kind) == (ahead, behind)
    assert {one.kind for one in few.near} == {ahead, behind}
    many = choose([candidate(behind, 1600, 2000), candidate(ahead, 1500, 2000)])
    assert many is not None
    assert (many.advised.kind, many.leader.kind, len(many.near)) == (behind, behind, 1)


def test_what_nobody_knows_must_be_ahead_by_more_than_the_slack() -> None:
    known = EXPERIENCE[-1]
    assert choose([candidate("new", 16, 20), candidate(known, 15, 20)]).advised.kind == known  # type: ignore[union-attr]
    assert choose([candidate("new", 19, 20), candidate(known, 9, 20)]).advised.kind == "new"  # type: ignore[union-attr]


def test_equal_ones_lead_by_experience_and_only_ranked_ones_count() -> None:
    choice = choose(
        [
            candidate("finetune", 30, 40),
            candidate("pseudo_labels/weighted", 30, 40),
            candidate("finetune_source/nearest", 40, 40, "ceiling"),
        ]
    )
    assert choice is not None
    assert choice.advised is choice.leader
    assert choice.advised.kind == "pseudo_labels/weighted"
    assert choose([candidate("scratch", 1, 2, "control")]) is None


def test_a_kind_has_no_parameters() -> None:
    weighted = {"distiller": {"name": "pseudo_labels"}, "strategy": {"name": "weighted"}}
    assert kind_of({**weighted, "metric": {"name": "logme"}}) == "pseudo_labels/weighted"
    assert kind_of({"baseline": {"name": "finetune", "params": {"lr": 1}}}) == "finetune"


@pytest.mark.parametrize(
    ("shares", "expected"),
    [((0.5, 0.6, 0.64), (0.07, 0.14)), ((0.5, 0.6, 0.4), (0, 0)), ((0.8, 0.9, 0.98), (0.02, 0.02))],
    ids=["rising", "falling", "full"],
)
def test_more_labels_are_expected_to_bring_what_doublings_brought(
    shares: tuple[float, ...], expected: tuple[float, float]
) -> None:
    hits = [np.arange(200)[None] < round(200 * share) for share in shares]
    points = [
        CurvePoint(n, accuracy_interval(own)) for n, own in zip((10, 20, 40), hits, strict=True)
    ]
    assert LabelCurve("a probe", tuple(points)).next_doubling == pytest.approx(expected)
    assert LabelCurve("a probe", tuple(points[:2])).next_doubling is None


def test_fewer_labels_are_written_as_all_of_them_are() -> None:
    assert fewer_labels(Protocol(labelled=0.2)) == ["0.05", "0.1"]
    assert fewer_labels(Protocol(labelled="5-per-class")) == ["2-per-class", "3-per-class"]
    assert fewer_labels(Protocol(labelled="2-per-class")) == ["1-per-class"]
    assert fewer_labels(Protocol(labelled="1-per-class")) == []
