"""Suggested students: their numbers, the list of them, and measuring them here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.engine.student_costs import measure
from distbench.engine.training.memory_format import memory_format
from distbench.engine.training.threads import torch_threads
from distbench.plugins.registry import registry
from distbench.testing.training_step import take_step
from distbench_builtin.students._suggestions import TIMM, TORCHVISION

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")

CONTIGUOUS = ("timm:fastvit_t8", "timm:mobileone_s0", "timm:mobileone_s1")
SIDES = {"timm:vit_tiny_patch16_224": 224, "timm:tiny_vit_5m_224": 224}
TOYS = Path(__file__).parents[2] / "toys.py"
ALL = [f"timm:{one['value']}" for one in TIMM]
ALL += [f"torchvision:{one['value']}" for one in TORCHVISION]


def listed(*arguments: str) -> list[dict]:
    done = CliRunner().invoke(app, ["list", "students", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_every_family_is_there():
    families = "mobilenetv3 mobilenetv4 efficientnet_b0 efficientnet_lite0 shufflenet resnet18 "
    families += "fastvit mobileone lcnet ghostnet edgenext repvit tiny_vit"
    for family in families.split():
        assert any(family in name for name in ALL), family
    assert len(ALL) == len(set(ALL))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["timm:lcnet_050", "timm:fastvit_t8", "torchvision:shufflenet_v2_x0_5"],
)
def test_the_numbers_are_those_of_the_counter(name):
    from distbench.engine.training.macs import count_macs

    student = registry().make("student", f"{name}:pretrained=false")
    model = student.backbone(pretrained=False)
    (row,) = listed(name, "--sort", "macs")
    assert row["parameters"] == sum(p.numel() for p in model.parameters())
    assert row["macs"] == count_macs(model, 224)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_they_have_the_gradients_of_contiguous_ones(name):
    student = registry().make("student", f"{name}:pretrained=false")
    wanted = torch.contiguous_format if name in CONTIGUOUS else torch.channels_last
    assert memory_format(student.backbone(pretrained=False), torch.device("cpu")) is wanted
    with torch_threads(1):
        step = take_step(student, SIDES.get(name, 96 if name in CONTIGUOUS else 64))
    assert step.reached
    assert step.difference <= 0.01, step  # as `distbench check` has it; processors differ by 2e-3


def test_listed_in_an_order():
    rows = listed("--sort", "parameters")
    assert sorted(row["name"] for row in rows) == sorted(ALL)
    assert [row["parameters"] for row in rows] == sorted(row["parameters"] for row in rows)
    only = listed("timm:mobilenetv*", "--sort", "macs")
    assert {row["name"].split(":")[0] for row in only} == {"timm"}
    assert [row["macs"] for row in only] == sorted(row["macs"] for row in only)
    assert {row["kind"] for row in listed()} == {"student"}


def test_the_plain_list_needs_no_torch():
    code = (
        "import sys; from distbench.cli import app\n"
        "try: app(['list', 'students'])\n"
        "except SystemExit: print({'torch', 'timm', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")
    assert "timm:lcnet_050" in done.stdout
    assert "Worth a try" in done.stdout


@pytest.mark.slow
def test_measured_in_processes_of_their_own():
    students = [
        {"use": "toy_student"},
        {"use": "timm:test_resnet"},
        {"use": "timm:vit_tiny_patch16_224"},
        {"use": "timm:nosuch"},
    ]
    toy, small, refused, unknown = measure(
        students, image_size=32, device="cpu", threads=1, plugins=(TOYS,)
    )
    assert (toy.parameters, toy.macs) == (3 * 6 * 9 + 6 + 70, 30 * 30 * 6 * 27 + 60)
    assert small.parameters == sum(
        p.numel() for p in timm.create_model("test_resnet", num_classes=10).parameters()
    )
    for found in (toy, small):
        assert found.latency_ms > 0
    assert 0 < small.memory_mb < 200
    assert "32" in refused
    assert "timm knows no architecture 'nosuch'" in unknown
    assert "torch" in sys.modules


@pytest.mark.slow
def test_measured_on_the_command_line():
    done = CliRunner().invoke(
        app, ["list", "students", "timm:test_resnet", "--measure", "--image-size", "64"]
    )
    assert done.exit_code == 0, done.output
    assert "timm:test_resnet" in done.stdout
    assert "1 thread; one image of 64 x 64 at a time" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tasks", "--measure"], "are for `distbench list students`"),
        (["students", "--sort", "latency"], "need --measure"),
        (["students", "--image-size", "64"], "need --measure"),
        (["students", "timm:nosuch", "--measure", "--device", "nosuch"], "cannot be used here"),
    ],
)
def test_what_does_not_go_together(arguments, message):
    done = CliRunner().invoke(app, ["list", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr
