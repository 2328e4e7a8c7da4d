"""A source that was trained itself: exported like a student, and named where it is ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from distbench.errors import UsageError
from distbench.plugins.registry import registry
from distbench.workflows.export import export_forms
from distbench.workflows.export.best import best_on_validation, sources_ahead
from distbench.workflows.zoos.add_source import add_source, folder_zoo

timm = pytest.importorskip("timm")

FACTS = {"normalise": "half", "trained_on": "dots", "licence": "MIT"}


@pytest.fixture
def zoo(tmp_path: Path) -> str:
    """A source of timm, and one of torchvision's that takes other images than the student."""
    from torchvision.models import shufflenet_v2_x0_5

    torch.manual_seed(0)
    models = {
        "test_resnet": (timm.create_model("test_resnet", num_classes=4), "24"),
        "shufflenet_v2_x0_5": (shufflenet_v2_x0_5(num_classes=5), "32"),
    }
    joined = folder_zoo(registry(), tmp_path / "zoo")
    for name, (model, side) in models.items():
        torch.save(model.state_dict(), tmp_path / f"{name}.pth")
        add_source(joined, tmp_path / f"{name}.pth", {**FACTS, "input_size": side}, None)
    return f"local:path={tmp_path / 'zoo'}"


@pytest.mark.parametrize("source", ["test_resnet", "shufflenet_v2_x0_5"])
def test_its_files_say_what_it_says(run: Any, zoo: str, source: str) -> None:
    made = run(zoo=zoo, distiller="probe_source", baseline="none", strategy=f"only:{source}")
    (row,) = made.rows
    assert row.result.declared["trained_source"] == source
    library = "timm" if source == "test_resnet" else "torchvision"
    written = export_forms(made.plan.cells[0].id, ["torch"], run=made.folder)[0]
    recipe = json.loads((written.folder / "model.json").read_text())
    assert (recipe["format"], recipe["architecture"]) == (library, source)
    steps = json.loads((written.folder / "preprocessing.json").read_text())
    assert (steps["size"], steps["mean"]) == (24 if library == "timm" else 32, [0.5] * 3)
    card = (written.folder / "README.md").read_text()
    assert f"the source model `{source}` itself" in card
    if library == "timm":
        again = export_forms(made.plan.cells[0].id, ["timm"], run=made.folder)[0]
        assert (again.folder / "config.json").is_file()


def test_a_source_of_no_library_is_exported_to_onnx_alone(run: Any) -> None:
    made = run(distiller="probe_source", baseline="none", strategy="nearest", metric="parc")
    with pytest.raises(UsageError, match="no architecture of a library; use --to onnx"):
        export_forms(made.plan.cells[0].id, ["torch"], run=made.folder)


def test_the_card_tells_a_difference_from_chance(run: Any) -> None:
    made = run(distiller="pseudo_labels", strategy="equal", zoo="toy_zoo")
    ours, theirs = (
        next(row for row in made.rows if row.method.id.startswith(name))
        for name in ("pseudo_labels", "finetune")
    )
    cells = {cell.key: cell.id for cell in made.plan.cells}
    card = export_forms(cells[ours.key], ["torch"], run=made.folder)[0].folder / "README.md"
    text = card.read_text()
    points = 100 * (ours.result.accuracy - theirs.result.accuracy)
    shown = "no difference" if points == 0 else f"{points:+.1f} percentage points"
    assert f"Against `finetune` with the same labels and the same seed: {shown}" in text
    assert f"of {ours.result.parts.test} test images" in text
    card = export_forms(cells[theirs.key], ["torch"], run=made.folder)[0].folder / "README.md"
    assert "Against `finetune`" not in card.read_text()


def test_one_that_is_ahead_on_validation_is_named_with_what_it_costs(run: Any) -> None:
    made = run(distiller="probe_source", strategy="nearest", metric="parc")
    student = best_on_validation(made.rows)["toy_task"]
    ceiling = next(row for row in made.rows if row.method.role == "ceiling")

    def with_validation(value: float) -> Any:
        return ceiling.model_copy(
            update={"result": ceiling.result.model_copy(update={"validation_accuracy": value})}
        )

    low = student.model_copy(
        update={"result": student.result.model_copy(update={"validation_accuracy": 0.5})}
    )
    text = sources_ahead(low, [low, with_validation(0.75)])
    assert text.startswith(
        f"The source {ceiling.result.declared['trained_source']} itself is ahead"
    )
    assert "validation 75.0 %" in text and "M parameters against" in text
    assert f"distbench export {ceiling.task.id}:{ceiling.method.id}:0 --to onnx" in text
    assert not sources_ahead(low, [low, with_validation(0.5)])
