"""The papers' tasks on tiny copies of all their mirrors; nothing is contacted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import DataError, Task, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.tasks.paper import budgets, names, table

pytestmark = pytest.mark.usefixtures("cut_off", "hub_cache")

Draw = Callable[..., bytes]


def make(text: str) -> Task:
    made = registry().make("task", text)
    assert isinstance(made, Task)
    return made


def expect(monkeypatch: pytest.MonkeyPatch, name: str, **counts: int) -> None:
    """What a tiny copy should hold instead."""
    entry = replace(table.ENTRIES[name], counts=counts, per_class={})
    monkeypatch.setitem(table.ENTRIES, name, entry)  # type: ignore[arg-type] # it is a dict


def put(file: Path, data: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data if isinstance(data, bytes) else data.encode())


def official(listed: Sequence[str]) -> list[str]:
    return [name.title().replace(" ", "_") for name in listed]


def numbered(listed: Sequence[str]) -> list[str]:
    return [f"{i:03d}.{name}" for i, name in enumerate(official(listed), 1)]


def with_wnid(listed: Sequence[str]) -> list[str]:
    return [f"n0208{i:04d}-{name}" for i, name in enumerate(official(listed))]


# --- the table --------------------------------------------------------------------------------


def test_the_table_holds_the_published_numbers() -> None:
    counts = {name: dict(entry.counts) for name, entry in table.ENTRIES.items()}
    assert counts == {
        "cifar10": {"train": 50_000, "test": 10_000},
        "cub200": {"train": 5_994, "test": 5_794},
        "chestx": {"all": 25_848},
        "eurosat": {"all": 27_000},
        "isic2018": {"train": 10_015, "test": 1_512},
        "nabirds": {"train": 23_929, "test": 24_633},
        "oxford_pets": {"train": 3_680, "test": 3_669},
        "stanford_dogs": {"train": 12_000, "test": 8_580},
    }
    classes = {
        name: entry.classes if isinstance(entry.classes, int) else len(set(entry.classes))
        for name, entry in table.ENTRIES.items()
    }
    assert list(classes.values()) == [10, 200, 7, 10, 7, 555, 37, 120]
    for entry in (*table.ENTRIES.values(), *(b.entry for b in budgets.BUDGETED.values())):
        for part, found in entry.per_class.items():
            number = entry.classes if isinstance(entry.classes, int) else len(entry.classes)
            total = found * number if isinstance(found, int) else sum(found)
            assert total == entry.counts[part], entry.title
    assert len({names.key(name) for name in names.CUB200 + names.DOGS}) == 320


def test_the_first_mirrors_are_those_that_were_looked_at() -> None:
    first = {name: entry.mirrors[0].key for name, entry in table.ENTRIES.items()}
    assert first == {
        "cifar10": "uoft-cs/cifar10",
        "cub200": "bentrevett/caltech-ucsd-birds-200-2011",
        "chestx": "timm/nih-chest-xray-14",
        "eurosat": "timm/eurosat-rgb",
        "isic2018": "parvpareek/skinclass",
        "nabirds": "official",
        "oxford_pets": "timm/oxford-iiit-pet",
        "stanford_dogs": "maurice-fp/stanford-dogs",
    }


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("001.Black_footed_Albatross", "black footed albatross"),
        ("n02085620-Chihuahua", "chihuahua"),
        ("n02098105-soft-coated_wheaten_terrier", "soft coated wheaten terrier"),
        ("/h/hunting_lodge/outdoor", "hunting lodge outdoor"),
        ("American Bulldog", "american bulldog"),
    ],
)
def test_spellings_of_one_name(spelled: str, name: str) -> None:
    assert names.canonical(spelled) == name
    assert names.key(spelled) == names.key(name.replace(" ", ""))


def test_full_names_of_diagnoses_are_known() -> None:
    found = names.spelled(["Melanoma", "Nevus", "BCC", "strange"], names.ISIC2018, names.SKIN)
    assert found == {"Melanoma": "mel", "Nevus": "nv", "BCC": "bcc"}


# --- mirrors on the Hub -----------------------------------------------------------------------

TWO = {"train": 2, "test": 1}


@pytest.mark.parametrize(
    ("name", "repository", "classes", "options"),
    [
        ("cifar10", "uoft-cs/cifar10", names.CIFAR10, {"image": "img"}),
        ("cifar10", "tanganke/cifar10", names.CIFAR10, {}),
        ("cub200", "bentrevett/caltech-ucsd-birds-200-2011", numbered(names.CUB200), {}),
        ("cub200", "Donghyun99/CUB-200-2011", official(names.CUB200)[::-1], {}),
        ("isic2018", "parvpareek/skinclass", [n.upper() for n in names.ISIC2018], {}),
        (
            "isic2018",
            "vigneshwar472/ISIC_2018",
            [n.upper() for n in names.ISIC2018],
            {"text": True},
        ),
        ("oxford_pets", "timm/oxford-iiit-pet", [n.replace(" ", "_") for n in names.PETS], {}),
        ("oxford_pets", "Donghyun99/Oxford-IIIT-Pet", official(names.PETS), {}),
        ("stanford_dogs", "maurice-fp/stanford-dogs", with_wnid(names.DOGS), {}),
        ("stanford_dogs", "Donghyun99/Stanford-Dogs", official(names.DOGS)[::-1], {}),
    ],
)
def test_every_mirror_gives_the_same_classes_by_name(
    name: str,
    repository: str,
    classes: Sequence[str],
    options: dict[str, Any],
    mirrored: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = table.ENTRIES[name]
    assert not isinstance(entry.classes, int)
    mirrored(repository, classes, TWO, **options)
    expect(monkeypatch, name, train=2 * len(classes), test=len(classes))
    task = make(f"paper-{name}")
    index = task.index()
    assert index.classes == entry.classes
    assert np.bincount(index.parts["train"].labels).tolist() == [2] * len(classes)
    assert index.notes[0] == f"from https://huggingface.co/datasets/{repository}"
    assert index.seen_by == entry.seen_by
    # The shade of an image is its number in the mirror: the label goes by the name instead.
    last = len(classes) - 1
    pixels = task.read("test", [last])[0]
    assert pixels[0, 0, 0] == last % 256
    label = int(index.parts["test"].labels[last])
    assert names.key(index.classes[label]) == names.key(classes[last])


def test_chestx_keeps_single_labels_of_seven_classes(
    snapshot: Callable[..., Path],
    write_split: Callable[..., None],
    draw: Draw,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from datasets import ClassLabel, Features, Image, List, Value

    folder = snapshot("timm/nih-chest-xray-14", "c1bf579641b3256b4d49924436984b82bee5834d")
    all14 = ["Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule"]
    all14 += ["Pneumonia", "Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis"]
    all14 += ["Pleural_Thickening", "Hernia"]
    kinds = Features(
        {
            "image_id": Value("string"),
            "image": Image(),
            "labels": List(ClassLabel(names=all14)),
            "label_names": List(Value("string")),
        }
    )
    found = [[], ["Mass", "Nodule"], ["Pneumonia"], ["Hernia"], *([name] for name in all14)]
    for split in ("train", "test"):
        columns = {
            "image_id": [f"{split}{i:05d}_000" for i in range(len(found))],
            "image": [{"bytes": draw(i, kind="JPEG"), "path": None} for i in range(len(found))],
            "labels": [[all14.index(n) for n in one] for one in found],
            "label_names": found,
        }
        write_split(folder / "data", split, columns, kinds, shards=2)
    expect(monkeypatch, "chestx", all=14)
    task = make("paper-chestx")
    index = task.index()
    assert index.classes == names.CHESTX
    assert index.parts["train"].labels.tolist() == list(range(7))
    assert index.parts["test"].names[0] == "test00004_000"
    assert [int(i[0, 0, 0]) for i in task.read("train", [0, 6])] == [4, 11]
    expect(monkeypatch, "chestx", all=25_848)
    with pytest.raises(DataError, match="14 images in all instead of 25848"):
        make("paper-chestx").index()


def test_copies_between_published_parts_are_counted(
    mirrored: Callable[..., Path],
    draw: Draw,
    write_split: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A published split is what results are compared on: nothing of it is refused."""
    from datasets import ClassLabel, Features, Image

    classes = list(names.CIFAR10)
    folder = mirrored("uoft-cs/cifar10", classes, {"train": 2, "test": 1}, image="img")
    kinds = Features({"img": Image(), "label": ClassLabel(names=classes)})
    images = [{"bytes": draw(0, mark=("train", 0, 0)), "path": None}] * 2
    images += [{"bytes": draw(n, mark=n), "path": None} for n in range(8)]
    write_split(folder / "data", "test", {"img": images, "label": list(range(10))}, kinds)
    expect(monkeypatch, "cifar10", train=20, test=10)
    index = make("paper-cifar10").index()
    assert index.notes[1].startswith("2 of 10 test images are among the training or validation")
    assert index.notes[-1].startswith("licence")


def test_eurosat_is_divided_alike_whatever_the_mirror(
    mirrored: Callable[..., Path],
    draw: Draw,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classes = ["AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial", "Pasture"]
    classes += ["PermanentCrop", "Residential", "River", "SeaLake"]
    start = {"train": 1, "validation": 7, "test": 9}
    mirrored(
        "timm/eurosat-rgb",
        classes,
        {"train": 6, "validation": 2, "test": 2},
        paths=lambda split, name, i: f"{name}_{start[split] + i}.jpg",
    )
    for name in classes:
        for i in range(1, 11):
            file = tmp_path / "tv" / "eurosat" / "2750" / name / f"{name}_{i}.jpg"
            put(file, draw(1, kind="JPEG", mark=(name, i)))
    expect(monkeypatch, "eurosat", all=100)
    hub = make("paper-eurosat").index()
    files = make(f"paper-eurosat:path={tmp_path / 'tv'}").index()
    assert hub.classes == files.classes == names.EUROSAT
    assert len(hub.parts["test"]) == 20
    stems = [
        sorted(name.rsplit("/", 1)[-1] for name in index.parts["test"].names)
        for index in (hub, files)
    ]
    assert stems[0] == stems[1]
    assert "0.2 of each class were taken" in hub.notes[1]
    assert hub.fingerprint != files.fingerprint


def test_the_first_mirror_that_is_present_is_used(
    mirrored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = "Donghyun99/Stanford-Dogs"
    mirrored(second, official(names.DOGS), TWO)
    expect(monkeypatch, "stanford_dogs", train=240, test=120)
    assert second in make("paper-stanford_dogs").index().notes[0]
    mirrored("maurice-fp/stanford-dogs", with_wnid(names.DOGS), TWO)
    assert "maurice-fp" in make("paper-stanford_dogs").index().notes[0]
    chosen = make(f"paper-stanford_dogs:mirror={second}")
    assert second in chosen.index().notes[0]
    assert [d.what for d in chosen.downloads()] == [f"Stanford Dogs ({second} on the Hub)"]
    with pytest.raises(UsageError, match="has no mirror 'x'; there are maurice-fp/stanford-dogs, "):
        make("paper-stanford_dogs:mirror=x").index()


def test_a_clone_of_the_first_mirror(
    mirrored: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mirrored("uoft-cs/cifar10", names.CIFAR10, TWO, image="img")
    folder.rename(tmp_path / "clone")
    expect(monkeypatch, "cifar10", train=20, test=10)
    assert len(make(f"paper-cifar10:path={tmp_path / 'clone'}").index().parts["train"]) == 20


# --- what is wrong ----------------------------------------------------------------------------


def test_other_counts_are_told(
    mirrored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored("uoft-cs/cifar10", names.CIFAR10, TWO, image="img")
    with pytest.raises(DataError) as caught:
        make("paper-cifar10").index()
    text = str(caught.value)
    assert text.startswith("CIFAR-10 from uoft-cs/cifar10 (")
    assert "is not what was expected: 20 images in train instead of 50000" in text
    assert "10 images in test instead of 10000" in text
    assert "images a class in train: airplane 2 instead of 5000, automobile 2" in text
    assert text.endswith("or accept it with strict=false")
    index = make("paper-cifar10:strict=false").index()
    assert index.notes[1] == "differs: 20 images in train instead of 50000"


def test_other_classes_are_told(
    mirrored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = ["Lorikeet", *official(names.DOGS)[1:]]
    mirrored("maurice-fp/stanford-dogs", strange, TWO)
    with pytest.raises(
        DataError, match=r"unknown class 'Lorikeet'; none is 'affenpinscher'|'chihuahua'"
    ):
        make("paper-stanford_dogs").index()
    mirrored("Donghyun99/Stanford-Dogs", official(names.DOGS)[1:], TWO)
    text = "paper-stanford_dogs:mirror=Donghyun99/Stanford-Dogs"
    with pytest.raises(DataError, match=f"no images of class '{names.DOGS[0]}'; 238 images in tr"):
        make(text).index()
    assert len(make(f"{text},strict=false").index().classes) == 119


@pytest.mark.parametrize("name", sorted(set(table.ENTRIES) - {"nabirds"}))
def test_what_is_absent_names_the_command(name: str) -> None:
    with pytest.raises(
        DataError,
        match=f"is not on this machine; get it with `distbench fetch --task paper-{name}`",
    ):
        make(f"paper-{name}").index()
    (download,) = make(f"paper-{name}").downloads()
    assert not download.present()
    with pytest.raises(DataError, match=r"offline|by hand"):
        download.fetch(lambda count: None)


def test_nabirds_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"https://dl.allaboutbirds.org/nabirds gives it away on"):
        make("paper-nabirds").index()
    (download,) = make("paper-nabirds").downloads()
    with pytest.raises(DataError) as caught:
        download.fetch(lambda count: None)
    text = str(caught.value)
    assert "accept the terms at https://dl.allaboutbirds.org/nabirds" in text
    assert f"put nabirds.tar.gz into {tmp_path / 'home' / 'data'} and fetch again" in text
    assert "images.txt, image_class_labels.txt, classes.txt, train_test_split.txt" in text
    assert download.missing_bytes() == 9_800_000_000
