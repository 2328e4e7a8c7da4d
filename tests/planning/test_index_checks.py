"""What a task may say of its images: every wrong label, name, group or part is one clear line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distbench import Part, Task, TaskIndex
from distbench.errors import PluginError
from distbench.planning.index_checks import without_label
from distbench.planning.resolved_task import index_of


def part(labels: Any, names: Any = None, groups: Any = None) -> Part:
    numbered = [f"{i}.png" for i in range(len(labels))]
    return Part(labels, numbered if names is None else names, groups)


SOUND = TaskIndex(
    ("a", "b"),
    {"train": part(np.array([0, 1, -1, 0, 1])), "test": part(np.array([0, 1, 1]))},
    "x",
)


class Odd(Task):
    """Gives the index it is handed."""

    gives: Any = None

    def index(self) -> Any:
        return self.gives

    def read(self, part: str, positions: Any) -> Any:
        raise NotImplementedError


def test_a_sound_index_is_given_as_it_is() -> None:
    assert index_of(Odd(gives=SOUND)) is SOUND
    empty = replace(SOUND, classes=(), parts={n: part(np.full(2, -1)) for n in SOUND.parts})
    assert index_of(Odd(gives=empty)) is empty


WRONG = [
    (
        part(np.array([0.0, 1.0])),
        "labels of {} are float64 (2,); distbench learns classes, and no numbers yet",
    ),
    (part(np.array([0, 1], dtype=np.int32)), "labels of {} are int32 (2,)"),
    (
        part(np.zeros((2, 4, 4), int)),
        "labels of {} are int64 (2, 4, 4); distbench learns classes of images, and no masks yet",
    ),
    (part(np.array([[1, 2], [0, 1]])), "labels of {} are 0..2 (image '0.png'); of shape (n, c)"),
    (part(np.array([[1, -1], [0, 1]])), "labels of "),  # the other parts have (n,)
    (part(np.array([[0], [1]])), "labels of {} are int64 (2, 1)"),
    (part(np.array([True, False])), "labels of {} are bool (2,)"),
    (part([0, 1]), "labels of {} are a list"),
    (part(np.array([0, 2])), "labels of {} are 0..2 (image '1.png'); they are class numbers, 0..1"),
    (part(np.array([-2, 0])), "labels of {} are -2..0 (image '0.png')"),
    (part(np.array([0, 1]), ["x", "\ud800"]), "an image of {} is called '\\ud800'"),
    (part(np.array([0, 1]), ["x"]), "{} has 2 labels and 1 names"),
    (part(np.array([0, 1]), ["x", "x"]), "two images of {} are called 'x'"),
    (part(np.array([0, 1]), groups=np.zeros(3, int)), "{} has 2 labels and 3 groups"),
    (part(np.array([0, 1]), groups=np.zeros(2)), "groups of {} are float64 (2,)"),
    ({"labels": [0]}, "part '{}' is a dict; give a distbench.Part"),
]


@pytest.mark.parametrize("name", ["train", "test", "validation"])
@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_a_part_that_does_not_go_together_is_named(name: str, wrong: Any, message: str) -> None:
    odd = replace(SOUND, parts={**SOUND.parts, name: wrong})
    with pytest.raises(PluginError) as raised:
        index_of(Odd(gives=odd))
    assert str(raised.value).startswith("plugin 'odd': index: " + message.format(name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fingerprint": None}, "its fingerprint is None"),
        ({"fingerprint": "\ud800"}, "its fingerprint is '\\ud800'; give a text"),
        ({"classes": ("a", "b\ud800")}, "its classes are ('a', 'b\\ud800'); give their names"),
        ({"classes": ("a", "a")}, "two of its classes are called 'a'"),
        ({"classes": (0, 1)}, "its classes are (0, 1); give their names"),
        ({"parts": {"train": SOUND.parts["train"]}}, "it has no part 'test'"),
        ({"parts": None}, "TypeError: argument of type 'NoneType' is not iterable"),
    ],
)
def test_what_else_is_no_index(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError) as raised:
        index_of(Odd(gives=replace(SOUND, **changes)))
    assert str(raised.value).startswith(f"plugin 'odd': index: {message}")


@pytest.mark.parametrize("name", ["test", "validation"])
def test_nothing_is_judged_by_images_without_a_label(name: str) -> None:
    parts = {**SOUND.parts, name: part(np.array([0, -1, -1]))}
    what, remedy = without_label(replace(SOUND, parts=parts)) or ("", "")
    assert what == f"2 of 3 {name} images have no label (the first is '1.png')"
    assert "move them to train" in remedy
    assert without_label(SOUND) is None
