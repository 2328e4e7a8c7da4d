"""What a student exports, and how it is made, is held against its contract."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from distbench import Classifier, PluginError, Student
from distbench.engine.students.export import exported
from distbench.engine.training.student import build_student

HALF = (0.5,) * 3
RECIPE = {"format": "own", "how_to_load": "model = 1"}


class Odd(Student):
    """Gives what it is told to."""

    gives: ClassVar[Any] = ({}, RECIPE)
    constants: ClassVar[Any] = (HALF, HALF)
    width: ClassVar[Any] = 12

    def fingerprint(self) -> str:
        return "odd"

    def backbone(self, *, pretrained: bool) -> torch.nn.Module:
        net = torch.nn.Flatten()
        net.num_features = self.width
        return net

    def normalisation(self) -> Any:
        if isinstance(self.constants, BaseException):
            raise self.constants
        return self.constants

    def export(self, backbone: Any, head: Any, classes: Any) -> Any:
        return self.gives


def model() -> Classifier:
    return build_student(Odd(), 2, pretrained=False, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (None, "gave a NoneType and no pair of tensors and recipe"),
        (([], {}), r"gave \[\] and no dict"),
        (({"x": 3}, RECIPE), "'x' is a int and no named tensor"),
        (({}, {**RECIPE, "more": object()}), "TypeError: Object of type object is not JSON"),
        (({}, {"how_to_load": "model = 1"}), "its recipe's format will not do: Field required"),
        (({}, {**RECIPE, "how_to_load": 3}), "its recipe's how_to_load will not do"),
        (({}, {**RECIPE, "format": "timm"}), "its recipe's architecture will not do"),
        (({}, {**RECIPE, "files": {"../../evil.py": ""}}), "its recipe has a file '../../evil.py'"),
        (({}, {**RECIPE, "files": {"..": ""}}), r"its recipe has a file '\.\.'"),
        (({}, {**RECIPE, "files": {"load.py": ""}}), "its recipe has a file 'load.py'"),
    ],
)
def test_an_export_that_cannot_be_shipped(
    gives: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Odd, "gives", gives)
    with pytest.raises(PluginError, match=f"plugin 'odd': export: {message}"):
        exported(Odd(), model(), ("a", "b"))


def test_an_export_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    own = torch.zeros(2, 3).T
    monkeypatch.setattr(Odd, "gives", ({"x": own}, {**RECIPE, "files": {"net.py": ""}}))
    tensors, recipe = exported(Odd(), model(), ("a", "b"))
    assert tensors["x"].is_contiguous()
    assert recipe["files"] == {"net.py": ""}


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("constants", SystemExit(0), "normalisation: SystemExit: 0"),
        ("constants", 3, "normalisation: TypeError"),
        ("constants", ("abc", HALF), "normalisation: TypeError"),
        ("constants", ((127.5,) * 3, HALF), "its images are normalised by mean"),
        ("width", None, "its backbone has no integer attribute num_features"),
        ("width", 0, "its backbone has no integer attribute num_features"),
    ],
)
def test_a_student_that_is_none_is_named(
    attribute: str, value: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Odd, attribute, value)
    with pytest.raises(PluginError, match=f"plugin 'odd': {message}"):
        model()
