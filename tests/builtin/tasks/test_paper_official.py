"""The papers' tasks from their official files, tiny copies; nothing is contacted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distbench import DataError, Task
from distbench.plugins.registry import registry
from distbench_builtin.tasks.paper import names, table

pytestmark = pytest.mark.usefixtures("cut_off", "hub_cache")

Draw = Callable[..., bytes]


def make(text: str) -> Task:
    made = registry().make("task", text)
    assert isinstance(made, Task)
    return made


def put(file: Path, data: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data if isinstance(data, bytes) else data.encode())


def expect(monkeypatch: pytest.MonkeyPatch, name: str, **counts: int) -> None:
    """What a tiny copy should hold instead."""
    entry = replace(table.ENTRIES[name], counts=counts, per_class={})
    monkeypatch.setitem(table.ENTRIES, name, entry)  # type: ignore[arg-type] # it is a dict


def official(listed: Sequence[str]) -> list[str]:
    return [name.title().replace(" ", "_") for name in listed]


def numbered(listed: Sequence[str]) -> list[str]:
    return [f"{i:03d}.{name}" for i, name in enumerate(official(listed), 1)]


def birds(root: Path, draw: Draw, classes: dict[str, str], count: int = 3) -> None:
    """The tree of CUB and NABirds: per class `count` images, the first for training."""
    lines: dict[str, list[str]] = {"images": [], "image_class_labels": [], "train_test_split": []}
    number = 0
    for key in list(classes)[1:]:
        for i in range(count):
            number += 1
            path = f"{int(key):04d}/{number:08x}.jpg"
            put(root / "images" / path, draw(number % 256, kind="JPEG"))
            lines["images"].append(f"{number:08x}-aa {path}")
            lines["image_class_labels"].append(f"{number:08x}-aa {key}")
            lines["train_test_split"].append(f"{number:08x}-aa {int(i == 0)}")
    for file, found in lines.items():
        put(root / f"{file}.txt", "\n".join(found) + "\n")
    put(root / "classes.txt", "\n".join(f"{k} {v}" for k, v in classes.items()) + "\n")


def test_nabirds_from_its_tree(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    # Numbers are sparse; inner nodes of the hierarchy are classes without images.
    classes = {"0": "Birds", "817": "American Kestrel (Adult male)", "295": "Common Eider"}
    classes |= {"1010": "Common Eider"}
    root = tmp_path / "home" / "data" / "nabirds" / "nabirds"
    birds(root, draw, classes)
    with pytest.raises(
        DataError, match="3 classes instead of 555; 3 images in train instead of 23929"
    ):
        make("paper-nabirds").index()
    entry = replace(table.ENTRIES["nabirds"], classes=3, counts={"train": 3, "test": 6})
    monkeypatch.setitem(table.ENTRIES, "nabirds", entry)  # type: ignore[arg-type]
    task = make("paper-nabirds")
    index = task.index()
    assert index.classes == (
        "american kestrel (adult male)",
        "common eider #1010",
        "common eider #295",
    )
    assert sorted(index.parts["train"].labels.tolist()) == [0, 1, 2]
    assert index.parts["train"].names[0].startswith("images/0295/")
    assert task.read("test", [0])[0].shape == (6, 8, 3)
    before = index.fingerprint
    (root / index.parts["test"].names[0]).write_bytes(draw(99, kind="JPEG"))
    assert make("paper-nabirds").index().fingerprint != before
    (root / index.parts["test"].names[0]).unlink()
    with pytest.raises(DataError, match=r"1 of 9 images listed in .*nabirds are not there, e.g."):
        make("paper-nabirds").index()
    (root / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read .*classes.txt: No such file"):
        make("paper-nabirds").index()


def test_cub_from_its_archive(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = {"0": "none"} | {str(i): name for i, name in enumerate(numbered(names.CUB200), 1)}
    birds(tmp_path / "CUB_200_2011", draw, classes, count=2)
    expect(monkeypatch, "cub200", train=200, test=200)
    index = make(f"paper-cub200:path={tmp_path}").index()
    assert index.classes == names.CUB200
    assert index.parts["train"].labels.tolist() == list(range(200))


def test_isic_from_its_archives(
    tmp_path: Path, isic: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    isic(tmp_path, {"Training": {"each": 1, "NV": 4}, "Test": {"each": 1}})
    expect(monkeypatch, "isic2018", train=10, test=7)
    index = make(f"paper-isic2018:path={tmp_path}").index()
    assert index.classes == names.ISIC2018
    assert np.bincount(index.parts["train"].labels).tolist() == [1, 4, 1, 1, 1, 1, 1]
    next((tmp_path / "ISIC2018_Task3_Test_Input").glob("*.jpg")).unlink()
    with pytest.raises(DataError, match=r"1 of 7 images listed in .* are not there"):
        make(f"paper-isic2018:path={tmp_path}").index()


def test_chestx_from_its_files(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["No Finding", "Mass|Nodule", "Pneumonia", *(n.capitalize() for n in names.CHESTX)]
    images = [f"{i:08d}_000.png" for i in range(2 * len(found))]
    rows = [f"{image},{found[i % len(found)]},58" for i, image in enumerate(images)]
    put(
        tmp_path / "Data_Entry_2017_v2020.csv",
        "Image Index,Finding Labels,Patient Age\n" + "\n".join(rows) + "\n",
    )
    put(tmp_path / "train_val_list.txt", "\n".join(images[: len(found)]))
    put(tmp_path / "test_list.txt", "\n".join(images[len(found) :]))
    for i, image in enumerate(images):
        put(tmp_path / f"images_{i % 3:03d}" / "images" / image, draw(i))
    expect(monkeypatch, "chestx", all=14)
    task = make(f"paper-chestx:path={tmp_path}")
    index = task.index()
    assert index.parts["test"].labels.tolist() == list(range(7))
    assert [int(i[0, 0, 0]) for i in task.read("test", [0])] == [13]
