from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from distbench import UNLABELLED, Task
from distbench.engine.stages.prepare import open_images, prepare
from distbench.errors import CorruptImageError, DataError
from distbench.plugins.registry import registry
from distbench.workflows.retrieve import Chosen, Curated


def made(text: str) -> Task:
    found = registry().make("task", text)
    assert isinstance(found, Task)
    return found


@pytest.fixture
def folder(tmp_path: Path, draw: Callable[..., bytes]) -> Path:
    root = tmp_path / "images"
    for shade, name in enumerate(["b.png", "test/a.png", "train/x/y/c.png"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(draw(50 * shade))
    (root / "notes.txt").write_text("no image")
    return root


def test_every_image_at_any_depth_is_there_without_a_label(folder: Path) -> None:
    index = made(f"images:path={folder}").index()
    assert index.classes == ()
    assert list(index.parts["train"].names) == ["b.png", "test/a.png", "train/x/y/c.png"]
    assert index.parts["train"].labels.tolist() == [UNLABELLED] * 3
    assert len(index.parts["test"]) == 0
    assert index.seen_by == ()


def test_the_fingerprint_is_of_names_and_content(
    folder: Path, tmp_path: Path, draw: Callable[..., bytes]
) -> None:
    def fingerprint(path: Path) -> str:
        return made(f"images:path={path}").index().fingerprint

    first = fingerprint(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    assert fingerprint(moved) == first
    (moved / "b.png").write_bytes(draw(99))
    assert fingerprint(moved) != first


def test_a_list_takes_some_of_them(folder: Path, tmp_path: Path) -> None:
    listing = tmp_path / "some.csv"
    listing.write_text("image,query\ntrain/x/y/c.png,1\nb.png,2\n")
    task = made(f"images:path={folder},only={listing}")
    assert list(task.index().parts["train"].names) == ["b.png", "train/x/y/c.png"]
    assert [image[0, 0, 0] for image in task.read("train", [1, 0])] == [100, 0]
    listing.write_text("image\nmissing.png\n")
    with pytest.raises(DataError, match=r"names an image that is not in the folder: 'missing.png'"):
        made(f"images:path={folder},only={listing}").index()
    listing.write_text("name\nb.png\n")
    with pytest.raises(DataError, match="has no column 'image'; mend only=FILE"):
        made(f"images:path={folder},only={listing}").index()
    with pytest.raises(DataError, match=r"cannot read the list .*absent.csv: No such file"):
        made(f"images:path={folder},only={tmp_path / 'absent.csv'}").index()


def test_it_is_prepared_with_an_empty_test_part(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "prepared"
    target.mkdir()
    prepare(made(f"images:path={folder}"), 8, target)
    images = open_images(target)
    assert images.train[:, 0, 0, 0].tolist() == [0, 50, 100]
    assert images.train.shape == (3, 6, 6, 3)
    assert images.test.shape == (0, 6, 6, 3)
    assert images.test_labels.dtype == np.int64


def test_what_is_no_folder_of_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, message in [
        ("absent", "does not exist; mend path=DIR"),
        ("file", "is a file, not a folder; mend path=DIR"),
        ("empty", "no images in"),
    ]:
        with pytest.raises(DataError, match=message):
            made(f"images:path={tmp_path / name}").index()


def test_a_corrupt_image_is_named(folder: Path) -> None:
    (folder / "b.png").write_bytes(b"no picture")
    with pytest.raises(CorruptImageError, match=r"b\.png"):
        made(f"images:path={folder}").read("train", [0])


def test_it_is_no_task_to_learn(folder: Path) -> None:
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan

    config = RunConfig.make(
        task=f"images:path={folder}", distiller="none", baseline="finetune", student="mini"
    )
    with pytest.raises(DataError, match="task 'images' has no classes to learn: its images have"):
        make_plan(config)


def test_what_retrieve_stores_names_every_image_again(
    tmp_path: Path, draw: Callable[..., bytes]
) -> None:
    """A file that spreadsheets may open spells some names otherwise."""
    folder = tmp_path / "odd"
    folder.mkdir()
    names = ["-x.png", "=1+1.png", "@home.png", "plain.png", "two\nlines.png"]
    for shade, name in enumerate(names):
        (folder / name).write_bytes(draw(shade))
    listing = tmp_path / "transfer.csv"
    chosen = tuple(Chosen(name, "query", 1.0) for name in names[1:])
    listing.write_text(Curated("t", "g", "e", 5, 1, 4, 5, chosen).csv(), encoding="utf-8")
    task = made(f"images:path={folder},only={listing}")
    assert task.index().parts["train"].names == tuple(names[1:])
