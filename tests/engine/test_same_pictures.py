"""A picture in two parts, saved again: counted, said in rows, and refused where they are many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import run
from distbench.workflows.run import RunResult


def photo(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    forms = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return forms.resize((64, 64), Image.Resampling.BICUBIC)


def folder(root: Path, parts: dict[str, int]) -> Path:
    seed = 0
    for part, count in parts.items():
        for klass in "ab":
            (root / part / klass).mkdir(parents=True)
            for i in range(count):
                seed += 1
                photo(seed).save(root / part / klass / f"{i}.png")
    return root


def saved_again(file: Path, to: Path) -> None:
    Image.open(file).save(to, quality=85)


def trained(root: Path, options: str = "", **more: object) -> RunResult:
    return run(
        task=f"folder:path={root}{options}",
        student="mini",
        distiller="none",
        baseline="finetune",
        image_size=32,
        steps=2,
        batch=4,
        executor="serial",
        **more,
    )


@pytest.mark.slow
def test_few_are_said_and_many_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 8, "test": 15})
    saved_again(root / "train/a/3.png", root / "test/a/x.jpg")
    few = trained(root)
    words = (
        "1 of 31 test images show the same picture as training or validation images, byte for byte "
        "or saved again in another format, quality or size (test/a/x.jpg is train/a/3.png)"
    )
    assert few.exit_code == 0 and few.rows[0].task.notes == (words,)
    assert f"d: {words}" in few.warnings
    saved_again(root / "train/b/3.png", root / "test/b/x.webp")
    many = trained(root)
    reason = many.rows[0].reason or ""
    assert many.exit_code == 3 and "2 of 32 test images show the same picture" in reason
    assert "copies=allow" in reason and "test/b/x.webp is train/b/3.png" in reason
    allowed = trained(root, ",copies=allow")
    assert allowed.exit_code == 0 and allowed.rows[0].key == many.rows[0].key
    assert "2 of 32 test images" in allowed.rows[0].task.notes[0]


@pytest.mark.slow
def test_validation_images_count_as_test_images_do(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 8, "test": 4, "val": 4})
    saved_again(root / "train/a/3.png", root / "val/a/x.jpg")
    reason = trained(root).rows[0].reason or ""
    assert "1 of 9 validation images show the same picture as training images" in reason
    assert "(val/a/x.jpg is train/a/3.png)" in reason


@pytest.mark.slow
def test_pictures_are_named_rightly_where_corrupt_images_are_left_out(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 8, "test": 15})
    (root / "train/a/1.png").write_bytes(b"no image")
    (root / "test/a/0.png").write_bytes(b"no image either")
    saved_again(root / "train/a/3.png", root / "test/a/x.jpg")
    notes = trained(root, skip_corrupt=True).rows[0].task.notes
    assert "1 of 30 test images" in notes[0] and "(test/a/x.jpg is train/a/3.png)" in notes[0]


@pytest.mark.slow
def test_it_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "d", {"train": 8, "test": 4})
    first = trained(root)

    def refuse(*arguments: object) -> None:
        raise AssertionError("thumbnails were made again")

    monkeypatch.setattr("distbench.engine.same_pictures.thumbnails", refuse)
    again = trained(root, seeds=2)
    assert again.exit_code == 0 and again.computed == 1
    assert first.rows[0].task.notes == again.rows[1].task.notes == ()
