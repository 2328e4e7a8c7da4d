"""A picture in two parts, saved again: counted, said in rows, and refused where they are many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import run
from distbench.plugins.registry import registry
from distbench.workflows.run_result import RunResult


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
    given: dict[str, object] = {"distiller": "none", "baseline": "finetune", **more}
    return run(
        task=f"folder:path={root}{options}",
        student="mini",
        image_size=32,
        steps=2,
        batch=4,
        executor="serial",
        **given,
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

    monkeypatch.setattr("distbench.engine.task_facts.same_pictures.thumbnails", refuse)
    again = trained(root, seeds=2)
    assert again.exit_code == 0 and again.computed == 1
    assert first.rows[0].task.notes == again.rows[1].task.notes == ()


@pytest.mark.slow
def test_transfer_sets_are_looked_at_as_training_images_are(
    tmp_path: Path, toy_options: dict[str, object]
) -> None:
    root = folder(tmp_path / "d", {"train": 4, "test": 10, "val": 10})
    other = tmp_path / "other"
    other.mkdir()
    photo(1000).save(other / "0.png")
    saved_again(root / "test/a/2.png", other / "x.jpg")  # one of twenty is not too many
    for i in range(3):
        saved_again(root / f"val/b/{i}.png", other / f"y{i}.jpg")
    options: dict[str, object] = {
        "distiller": f'task_agnostic:transfer="images:path={other}"',
        "baseline": "none",
        "zoo": "toy_zoo",
        "strategy": "equal",
        "plugin": toy_options["plugin"],
    }
    refused = trained(root, **options)
    assert refused.exit_code == 3
    reason = refused.rows[0].reason or ""
    assert "3 of 20 validation images show the same picture as those of the transfer" in reason
    assert "val/b/0.png is y0.jpg" in reason and "copies=allow" in reason
    allowed = trained(root, ",copies=allow", **options)
    (row,) = allowed.rows
    words = (
        "1 of 20 test images show the same picture as those of the transfer set "
        "images:path=other, byte for byte or saved again in another format, quality or size "
        "(test/a/2.png is x.jpg)"
    )
    assert row.task.notes[0] == words and len(row.task.notes) == 2
    assert f"{row.method.id} on d: {words}" in allowed.warnings


def paired(root: Path) -> list[set[str]]:
    """Forty images of two classes, of each of which another is saved beside it; the pairs."""
    pairs = []
    for number in range(40):
        below = root / "ab"[number % 2]
        below.mkdir(parents=True, exist_ok=True)
        photo(number).save(below / f"{number}.png")
        saved_again(below / f"{number}.png", below / f"again-{number}.jpg")
        pairs.append({f"{below.name}/{number}.png", f"{below.name}/again-{number}.jpg"})
    return pairs


def divided(task: str, pairs: list[set[str]]) -> int:
    """How many pairs a task has in two parts."""
    made = registry().make("task", task)
    parts = [set(part.names) for part in made.index().parts.values()]  # type: ignore[attr-defined]
    return sum(not any(pair <= part for part in parts) for pair in pairs)


@pytest.mark.slow
def test_pictures_stay_in_one_part_that_distbench_makes(tmp_path: Path) -> None:
    pairs = paired(tmp_path / "d")
    assert divided(f"folder:path={tmp_path / 'd'}", pairs) > 5
    assert divided(f"folder:path={tmp_path / 'd'},copies=together", pairs) == 0
    refused = trained(tmp_path / "d")
    assert refused.exit_code == 3 and "copies=together" in (refused.rows[0].reason or "")
    kept = trained(tmp_path / "d", ",copies=together")
    assert kept.exit_code == 0 and kept.rows[0].key != refused.rows[0].key
    assert any(
        "40 of 80 images show the same picture as another" in n for n in kept.rows[0].task.notes
    )


def test_pictures_are_looked_for_once_and_broken_images_stand_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = paired(tmp_path / "d")
    (tmp_path / "d/a/0.png").write_bytes(b"no image")
    task = f"folder:path={tmp_path / 'd'},copies=together"
    assert divided(task, pairs[1:]) == 0

    def refuse(*arguments: object) -> None:
        raise AssertionError("images were decoded again")

    monkeypatch.setattr("distbench.thumbnail", refuse)
    assert divided(task, pairs[1:]) == 0


def test_parts_that_are_given_are_not_changed(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 8, "test": 4})
    for number in range(3):
        saved_again(root / f"train/a/{number}.png", root / f"test/a/again-{number}.jpg")
    refused = trained(root, ",copies=together")
    assert refused.exit_code == 3 and "3 of 11 test images" in (refused.rows[0].reason or "")
