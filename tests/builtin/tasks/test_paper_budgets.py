"""The second paper's tasks: published splits and lists, on tiny copies; nothing is contacted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from distbench import DataError, Task, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.tasks.paper import budgets

pytestmark = pytest.mark.usefixtures("cut_off", "hub_cache")

Draw = Callable[..., bytes]


def make(text: str) -> Task:
    made = registry().make("task", text)
    assert isinstance(made, Task)
    return made


def put(file: Path, data: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data if isinstance(data, bytes) else data.encode())


def published(tmp_path: Path, file: str, lines: Sequence[str]) -> None:
    put(tmp_path / "home" / "data" / "ml-vfm-kt" / file, "\n".join(lines) + "\n")


def shrink(monkeypatch: pytest.MonkeyPatch, name: str, classes: Any = None, **counts: int) -> None:
    found = budgets.BUDGETED[name]
    entry = replace(found.entry, counts=counts, per_class={})
    entry = replace(entry, classes=classes) if classes is not None else entry
    monkeypatch.setitem(budgets.BUDGETED, name, replace(found, entry=entry))  # type: ignore[arg-type]


def test_eurosat_is_divided_by_file_number(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = ["AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial", "Pasture"]
    classes += ["PermanentCrop", "Residential", "River", "SeaLake"]
    for name in classes:
        for i in range(1, 21):
            file = tmp_path / "tv" / "eurosat" / "2750" / name / f"{name}_{i}.jpg"
            put(file, draw(i, kind="JPEG"))
    shrink(monkeypatch, "eurosat", all=200)
    text = f"taskoriented-eurosat:path={tmp_path / 'tv'}"
    index = make(text).index()
    numbers = {
        part: {int(name.rsplit("_", 1)[1][:-4]) for name in p.names}
        for part, p in index.parts.items()
    }
    assert numbers == {
        "test": set(range(1, 15)),
        "train": {15, 16},
        "validation": {17, 18, 19, 20},
    }
    assert (index.parts["train"].labels >= 0).all()
    with pytest.raises(
        DataError, match=r"the list of images EuroSAT/train_5img_per_class.txt is not"
    ):
        make(f"{text},budget=5").index()
    published(
        tmp_path,
        "EuroSAT/train_5img_per_class.txt",
        [f"{name}_16.jpg,{name}" for name in classes],
    )
    task = make(f"{text},budget=5")
    few = task.index()
    train = few.parts["train"]
    assert len(train) == 20
    assert sorted(train.labels.tolist()) == [-1] * 10 + list(range(10))
    assert {n[-7:] for n, v in zip(train.names, train.labels, strict=True) if v >= 0} == {"_16.jpg"}
    assert few.fingerprint != index.fingerprint
    assert few.notes[1] == "labels of 10 images, those of train_5img_per_class.txt"
    assert {int(i[0, 0, 0]) for i in task.read("train", range(20))} == {15, 16}
    published(tmp_path, "EuroSAT/train_5img_per_class.txt", ["Forest_99.jpg,Forest"])
    with pytest.raises(
        DataError, match=r"1 of 1 images of .* are not in the data set, e.g. 'Forest"
    ):
        make(f"{text},budget=5").index()
    with pytest.raises(UsageError, match="has no budget '7'; there are 5, 10, 25"):
        make("taskoriented-eurosat:budget=7").index()


def test_rules_of_the_whole_eurosat() -> None:
    from distbench_builtin.shared.images.pool import Pool

    labels = [
        c for c, n in (("Forest", 3000), ("River", 2500), ("Pasture", 2000)) for _ in range(n)
    ]
    found = [
        f"{c}_{i}.jpg"
        for c, n in (("Forest", 3000), ("River", 2500), ("Pasture", 2000))
        for i in range(1, n + 1)
    ]
    parts = budgets.by_number(Pool(found, labels, lambda positions, side: []))
    assert [len(parts[p]) for p in ("train", "validation", "test")] == [750, 1500, 5250]
    of_train = {n for n in parts["train"].names if n.startswith("River")}
    assert of_train == {f"River_{i}.jpg" for i in range(1751, 2001)}
    with pytest.raises(DataError, match=r"image 'train-000001' is not called CLASS_NUMBER"):
        budgets.by_number(Pool(["train-000001"], ["Forest"], lambda positions, side: []))


def test_ham10000_has_its_three_parts(
    tmp_path: Path, isic: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    isic(tmp_path, {"Training": {"each": 2}, "Validation": {"each": 1}, "Test": {"each": 1}})
    shrink(monkeypatch, "ham10000", train=14, validation=7, test=7)
    names_of = sorted(p.stem for p in (tmp_path / "ISIC2018_Task3_Training_Input").glob("*.jpg"))
    published(
        tmp_path,
        "HAM10K/train_100img_max_per_class.txt",
        [f"{name}.jpg,MEL" for name in names_of[::2]],
    )
    index = make(f"taskoriented-ham10000:path={tmp_path},budget=100").index()
    assert {p: len(v) for p, v in index.parts.items()} == {"train": 14, "validation": 7, "test": 7}
    assert index.parts["train"].labels.tolist() == [v for c in range(7) for v in (c, -1)]


def test_imagenet_from_the_hub(
    mirrored: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wnid = {"tench, Tinca tinca": "n01440764", "goldfish": "n01443537"}
    mirrored(
        "ILSVRC/imagenet-1k",
        list(wnid),
        {"train": 14, "validation": 2},
        paths=lambda split, name, i: (
            f"{wnid[name]}_{i}_{wnid[name]}.JPEG"
            if split == "train"
            else f"ILSVRC2012_val_{i:08d}{wnid[name]}.JPEG"
        ),
    )
    shrink(monkeypatch, "imagenet", classes=2, train=28, test=4)
    published(
        tmp_path,
        "ImageNet/train_1percent.txt",
        [f"{n}_{i}.JPEG,{n}" for n in wnid.values() for i in (3, 7)],
    )
    index = make("taskoriented-imagenet:budget=1").index()
    assert index.classes == ("goldfish", "tench, tinca tinca")
    assert {p: len(v) for p, v in index.parts.items()} == {"train": 8, "validation": 20, "test": 4}
    train = index.parts["train"]
    labelled = [n for n, v in zip(train.names, train.labels, strict=True) if v >= 0]
    assert [n.split("_")[1] for n in labelled] == ["3", "7", "3", "7"]
    assert "the paper has no validation part: 10 images a class" in index.notes[1]


def test_places_are_divided_by_lists(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    import torchvision

    cls = torchvision.datasets.Places365
    root = tmp_path / "places"
    classes = {"/a/airfield": 0, "/h/hunting_lodge/outdoor": 1}
    texts = {
        "categories_places365.txt": "".join(f"{k} {v}\n" for k, v in classes.items()),
        "places365_train_standard.txt": "".join(
            f"{k}/{i:08d}.jpg {v}\n" for k, v in classes.items() for i in range(3)
        ),
        "places365_val.txt": "".join(f"Places365_val_{i:08d}.jpg {i % 2}\n" for i in range(8)),
    }
    for file, text in texts.items():
        put(root / file, text)
        for line in text.splitlines():
            if file != "categories_places365.txt":
                place = "val_256" if "val" in file else "data_256_standard"
                put(root / place / line.split()[0].lstrip("/"), draw(3, kind="JPEG"))
    digest = {file: hashlib.md5(text.encode()).hexdigest() for file, text in texts.items()}
    first, train, val = texts
    monkeypatch.setattr(cls, "_CATEGORIES_META", (first, digest[first]))
    lists = {"train-standard": (train, digest[train]), "val": (val, digest[val])}
    monkeypatch.setattr(cls, "_FILE_LIST_META", lists)
    shrink(monkeypatch, "places365", classes=2, train=6, test=8)
    held = [f"Places365_val_{i:08d}.jpg,x" for i in range(8)]
    published(tmp_path, "Places365/val.txt", held[:2])
    published(tmp_path, "Places365/test.txt", held[2:])
    published(
        tmp_path,
        "Places365/train_50img_per_class.txt",
        ["00000001.jpg,airfield", "00000002.jpg,hunting_lodge_outdoor"],
    )
    index = make(f"taskoriented-places365:path={root},budget=50").index()
    assert index.classes == ("airfield", "hunting lodge outdoor")
    assert index.parts["train"].labels.tolist() == [-1, 0, -1, -1, -1, 1]
    assert index.parts["validation"].labels.tolist() == [0, 1]
    assert len(index.parts["test"]) == 6
