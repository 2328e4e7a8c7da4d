from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench.errors import UsageError
from distbench.interfaces.context import TransferSet
from distbench.plugins.registry import registry
from distbench_builtin.shared.methods.transfer_set import shared_out


def with_plain_heads(phase: Any) -> Any:
    torch.nn.init.eye_(phase.modules["heads"].weight)
    torch.nn.init.zeros_(phase.modules["heads"].bias)
    return phase


def test_both_losses_are_mixed_by_lam(
    teachers: Any, transparent: Any, method_context: Any, batch_of: Any
) -> None:
    method: Any = registry().make("distiller", "pseudo_labels:lam=0.25,head_lr=3,ratio=2")
    context = teachers.learning_from(method_context, teachers.source("s", 1.0, [[1.0, 0.0]] * 5))
    phase = with_plain_heads(*method.phases(context))
    batches = {
        "labelled": batch_of([[1.0, 2.0]], [1]),
        "unlabelled": teachers.with_targets(batch_of([[0.5, -0.5]]), s=[[1.0, 0.0]]),
    }
    expected = 0.25 * teachers.cross_entropy([0, 1], [1.0, 2.0])
    expected += 0.75 * teachers.cross_entropy(teachers.softmax([1, 0]), [0.5, -0.5])
    assert phase.loss(transparent, batches).item() == pytest.approx(expected, rel=1e-6)
    assert phase.streams["unlabelled"].positions.tolist() == [0, 1, 2, 3]
    assert (phase.streams["labelled"].batch, phase.streams["unlabelled"].batch) == (2, 4)
    assert (phase.head_lr, phase.module_lr) == (3, {"heads": 3})
    assert phase.streams["labelled"].targets == {}


def test_it_can_distil_on_the_labelled_batch_too(
    teachers: Any, transparent: Any, method_context: Any, batch_of: Any
) -> None:
    method: Any = registry().make("distiller", "pseudo_labels:lam=0.5,on=all")
    context = teachers.learning_from(method_context, teachers.source("s", 1.0, [[1.0, 0.0]] * 5))
    phase = with_plain_heads(*method.phases(context))
    batches = {
        "labelled": teachers.with_targets(batch_of([[1.0, 2.0]], [1]), s=[[0.0, 3.0]]),
        "unlabelled": teachers.with_targets(batch_of([[0.5, -0.5]]), s=[[1.0, 0.0]]),
    }
    distilled = teachers.cross_entropy(teachers.softmax([1, 0]), [0.5, -0.5])
    distilled = (distilled + teachers.cross_entropy(teachers.softmax([0, 3]), [1.0, 2.0])) / 2
    expected = 0.5 * teachers.cross_entropy([0, 1], [1.0, 2.0]) + 0.5 * distilled
    assert phase.loss(transparent, batches).item() == pytest.approx(expected, rel=1e-6)
    assert list(phase.streams["labelled"].targets) == ["s"]


@pytest.mark.parametrize("on", ["unlabelled", "all"])
def test_online_pseudo_labels_are_of_the_view_that_the_student_sees(
    teachers: Any, on: str, transparent: Any, method_context: Any, batch_of: Any
) -> None:
    method: Any = registry().make("distiller", f"pseudo_labels:lam=0.5,views=online,on={on}")
    seen = []

    def run_source(of: Any) -> Any:
        def forward(images: torch.Tensor) -> torch.Tensor:
            seen.append(images.flatten(1).tolist())
            return images.flatten(1)[:, :2] * 2

        return forward

    context = teachers.learning_from(method_context, teachers.source("s", 1.0, [[0.0, 0.0]] * 5))
    phase = with_plain_heads(*method.phases(replace(context, run=run_source)))
    assert all(stream.targets == {} for stream in phase.streams.values())
    batches = {"labelled": batch_of([[1.0, 2.0]], [1]), "unlabelled": batch_of([[0.5, -0.5]])}
    found = phase.loss(transparent, batches).item()
    each = [teachers.cross_entropy(teachers.softmax([1, -1]), [0.5, -0.5])]
    if on == "all":
        each.append(teachers.cross_entropy(teachers.softmax([2, 4]), [1.0, 2.0]))
    expected = 0.5 * teachers.cross_entropy([0, 1], [1.0, 2.0]) + 0.5 * sum(each) / len(each)
    assert found == pytest.approx(expected, rel=1e-6)
    assert seen == [[[0.5, -0.5]] if on == "unlabelled" else [[1.0, 2.0], [0.5, -0.5]]]


def test_a_transfer_set_takes_the_place_of_the_own_images_or_joins_them(
    teachers: Any, method_context: Any, tmp_path: Path
) -> None:
    there = teachers.source("s", 1.0, [[float(i), 0.0] for i in range(6)])
    transfer = TransferSet(np.array([2, 5]), lambda name: there.embedding)
    context = teachers.learning_from(
        method_context, teachers.source("s", 1.0, [[0.0, 0.0]] * 5), transfer=transfer
    )
    folder = f'transfer="images:path={teachers.a_folder(tmp_path / "x")}"'

    def streams(more: str) -> dict[str, Any]:
        method: Any = registry().make("distiller", f"pseudo_labels:ratio=3,{folder}{more}")
        (phase,) = method.phases(context)
        found = dict(phase.streams)
        del found["labelled"]
        return found

    alone = streams("")
    assert list(alone) == ["transfer"]
    assert (alone["transfer"].of, alone["transfer"].batch) == ("transfer", 6)
    assert alone["transfer"].positions.tolist() == [2, 5]
    assert alone["transfer"].targets["s"][5].tolist() == [5.0, 0.0]
    both = streams(",own=true")  # four own images, two others
    assert [(s.of, s.batch) for s in both.values()] == [("train", 4), ("transfer", 2)]
    assert both["unlabelled"].positions.tolist() == [0, 1, 2, 3]
    retrieved = streams(",budget=10")  # the queries count
    assert [(s.of, s.batch) for s in retrieved.values()] == [("train", 3), ("transfer", 3)]
    assert retrieved["unlabelled"].positions.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("batch", "counts", "expected"),
    [
        (64, [10], [64]),
        (64, [1, 7], [8, 56]),
        (64, [1, 100_000], [1, 63]),
        (64, [100_000, 1], [63, 1]),
        (1, [5, 5], [1, 1]),
    ],
)
def test_a_batch_is_shared_out_by_the_number_of_images(
    batch: int, counts: list[int], expected: list[int]
) -> None:
    assert shared_out(batch, counts) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pseudo_labels:budget=9", 'budget needs images to add: give transfer="images:path=DIR"'),
        ("pseudo_labels:own=true", "own needs images to add"),
        (
            'pseudo_labels:transfer="images:path=x",encoder=e',
            "encoder retrieves images: give budget=N",
        ),
        ("pseudo_labels:views=offline", "views='offline' will not do"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        registry().make("distiller", text)


def test_online_and_cached_are_rows_of_their_own(
    teachers: Any, toy_options: dict[str, Any]
) -> None:
    cached, online = teachers.run(
        toy_options, ("pseudo_labels", "pseudo_labels:views=online,on=all")
    )
    for row in (cached, online):
        assert row.status == "done", row.reason
        assert row.cost is not None and row.result is not None
        assert row.result.sources.weights == {"fixed-0": 0.0, "small-2": 1.0}
    # 60 images, of which 6 are validation, all embedded; or 5 steps of 8 + 8 images
    assert cached.cost.teacher_pass_macs == 3000 * 60  # type: ignore[union-attr]
    assert online.cost.teacher_pass_macs == 3000 * 5 * 16  # type: ignore[union-attr]


def test_it_distils_on_what_it_retrieves(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path
) -> None:
    folder = teachers.a_folder(tmp_path / "gallery")
    text = f'pseudo_labels:transfer="images:path={folder}",budget=18,encoder=general'
    row = teachers.only(teachers.run(toy_options, text))
    assert row.method.id.startswith(
        'pseudo_labels:transfer="images:path=gallery",budget=18,encoder=general/'
    )
    assert row.result is not None and row.cost is not None
    assert row.result.declared["transfer_images"] == 9  # 9 labelled, one neighbour each
    assert row.cost.selection_macs == 2 * 9 * 0 + 4000 * (9 + 12) + sum([1000, 3000]) * 9
    (again,) = teachers.run(toy_options, text, name="again")
    assert again.key == row.key


def test_what_cannot_be_retrieved_is_said(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path
) -> None:
    folder = teachers.a_folder(tmp_path / "gallery")
    text = f'pseudo_labels:transfer="images:path={folder}"'
    (row,) = teachers.run(toy_options, f"{text},budget=17")
    assert row.status == "declined"
    assert row.reason == (
        "a budget of 17 leaves no image to retrieve for 9 labelled ones, which count: "
        "take 18 or more"
    )
    with pytest.raises(UsageError, match=r"unknown source 'generel'. Did you mean 'general'"):
        teachers.run(toy_options, f"{text},budget=18,encoder=generel")


def test_two_folders_of_one_name_are_two_methods(
    teachers: Any, toy_options: dict[str, Any], tmp_path: Path
) -> None:
    folders = [teachers.a_folder(tmp_path / top / "images", n) for top, n in (("a", 5), ("b", 6))]
    texts = [f'pseudo_labels:transfer="images:path={folder}"' for folder in folders]
    rows = teachers.run(toy_options, tuple(texts))
    assert [r.result.declared["transfer_images"] for r in rows if r.result] == [5, 6]
    assert len({row.method.id for row in rows}) == 2
