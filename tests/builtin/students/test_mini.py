"""The student of suite `mini`."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from distbench import WeightsError
from distbench_builtin.shared.mini.zoo_files import MEAN, PACKAGED, STD
from distbench_builtin.students.mini import MiniStudent
from distbench_builtin.zoos.mini import MiniZoo

INITIAL = PACKAGED / "general-stu.safetensors"


def test_it_starts_as_the_small_generalist() -> None:
    source = next(s for s in MiniZoo().sources() if s.info.name == "general-stu")
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features, _ = source.open(torch.device("cpu"))(images)
    backbone = MiniStudent().backbone(pretrained=True).eval()
    assert backbone.num_features == features.shape[1] == 96
    assert torch.equal(backbone(images), features)
    assert MiniStudent().normalisation() == (MEAN, STD)


def test_random_weights_follow_the_seed_alone() -> None:
    def first(student: MiniStudent, pretrained: bool, seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return next(student.backbone(pretrained=pretrained).parameters())

    student = MiniStudent()
    assert torch.equal(first(student, False, 1), first(student, False, 1))
    assert not torch.equal(first(student, False, 1), first(student, False, 2))
    assert torch.equal(first(MiniStudent(pretrained=False), True, 1), first(student, False, 1))
    assert torch.equal(first(student, True, 1), first(student, True, 2))


def test_the_fingerprint_is_that_of_the_file(tmp_path: Path) -> None:
    assert MiniStudent().fingerprint() == hashlib.sha256(INITIAL.read_bytes()).hexdigest()
    assert MiniStudent(pretrained=False).fingerprint() == "random"
    other = tmp_path / "other.safetensors"
    save_file({k: v * 0 for k, v in load_file(INITIAL).items()}, other)
    student = MiniStudent(weights=other)
    assert student.fingerprint() == hashlib.sha256(other.read_bytes()).hexdigest()
    assert not next(student.backbone(pretrained=True).parameters()).any()


def test_a_missing_or_wrong_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere: No such file.*mini:pretrained=false"):
        MiniStudent(weights=tmp_path / "nowhere").fingerprint()
    with pytest.raises(WeightsError, match=r"cannot load weights from .*birds-res"):
        MiniStudent(weights=PACKAGED / "birds-res.safetensors").backbone(pretrained=True)


def test_the_fingerprint_needs_no_torch() -> None:
    child = (
        "import sys\nfrom distbench_builtin.students.mini import MiniStudent\n"
        "MiniStudent().fingerprint()\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0


def test_an_exported_student_loads_by_its_recipe(tmp_path: Path) -> None:
    student = MiniStudent()
    backbone = student.backbone(pretrained=True).eval()
    head = torch.nn.Linear(96, 3)
    tensors, recipe = student.export(backbone.state_dict(), head.state_dict(), ["a", "b", "c"])
    save_file(tensors, tmp_path / "student.safetensors")

    build = getattr(importlib.import_module(recipe["module"]), recipe["call"])
    net = build(**recipe["arguments"]).eval()
    net.load_state_dict(load_file(tmp_path / "student.safetensors"))
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(net(images), head(backbone(images)))
    assert recipe["classes"] == ["a", "b", "c"]
    assert recipe["input"]["mean"] == [0.5, 0.5, 0.5]
