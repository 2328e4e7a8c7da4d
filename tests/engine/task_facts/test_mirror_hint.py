"""Mirroring is a choice, and where it makes other classes of images it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from distbench import run
from distbench.engine.task_facts.mirror_hint import held_out_hits
from distbench.engine.training.augment import VIEWS
from distbench.interfaces.suite import Protocol


def arrows(root: Path, *, upright: bool) -> Path:
    """Wedges that point left or right; or up or down."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    for part in ("train", "test"):
        for i in range(16):
            top, left = rng.integers(8, 13), rng.integers(6, 11)
            inside = np.abs(rows - top - 4) <= (columns - left) / 2
            wedge = inside & (columns >= left) & (columns < left + 14)
            pixels = rng.integers(0, 80, (32, 32, 3)) + wedge[..., None] * rng.integers(90, 160, 3)
            image = np.clip(pixels, 0, 255).astype(np.uint8)
            for name, one in (("a", image), ("b", image[:, ::-1])):
                drawn = np.rot90(one) if upright else one
                file = root / part / name / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.ascontiguousarray(drawn)).save(file)
    return root


def trained(folder: Path, **more: object) -> tuple[float, str]:
    result = run(
        task=more.pop("task", f"folder:path={folder}"),
        student="mini",
        distiller="none",
        baseline="finetune",
        image_size=32,
        steps=60,
        batch=16,
        executor="serial",
        **more,
    )
    (row,) = result.rows
    assert row.result is not None
    return row.result.accuracy, "\n".join(result.warnings)


@pytest.mark.slow
def test_left_and_right_can_be_kept_apart(tmp_path: Path) -> None:
    folder = arrows(tmp_path / "lr", upright=False)
    accuracy, warnings = trained(folder)
    assert accuracy < 0.75
    assert "lr: training mirrors its images, and mirrored ones look like other classes" in warnings
    assert "run with --no-flip" in warnings
    entry = {"id": "lr", "use": f"folder:path={folder}", "flip": False}
    for options in ({"flip": False}, {"task": entry}):
        accuracy, warnings = trained(folder, **options)
        assert accuracy > 0.9
        assert "mirror" not in warnings


@pytest.mark.slow
def test_nothing_is_told_where_mirrored_images_are_of_their_class(tmp_path: Path) -> None:
    accuracy, warnings = trained(arrows(tmp_path / "ud", upright=True))
    assert accuracy > 0.9
    assert "mirror" not in warnings


def test_views_are_mirrored_only_where_they_may() -> None:
    # Bright on the left: what is right of the middle is brighter only in a mirrored view.
    images = torch.zeros(64, 3, 32, 32)
    images[..., :6] = 1

    def turned(name: str, mirror: bool) -> float:
        view = VIEWS[name](images, torch.Generator().manual_seed(0), mirror)
        right, left = view[..., 20:].mean((1, 2, 3)), view[..., :12].mean((1, 2, 3))
        return float((right > left).float().mean())

    assert turned("weak", False) == 0
    assert 0.3 < turned("weak", True) < 0.7
    # Some of the strong operations turn light into dark: fewer than half of the images.
    assert turned("strong", False) < 0.35 < turned("strong", True)


def test_a_protocol_that_mirrors_is_the_one_that_always_was() -> None:
    assert "flip" not in Protocol().model_dump()
    assert Protocol(flip=False).of_a_cell()["flip"] is False


def test_hits_of_a_probe() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    features = np.eye(3)[labels] @ rng.normal(size=(3, 8)) * 4 + rng.normal(size=(60, 8)) * 0.1
    other = features[np.roll(np.arange(60), 20)]
    hits = held_out_hits(features, other, labels)
    assert hits[0].all()
    assert not hits[1].any()
