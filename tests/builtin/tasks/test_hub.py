"""Data sets of the Hub from a cache that was filled by hand; nothing is contacted."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from distbench import CorruptImageError, DataError, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.shared.hub_data.rows import ParquetRows
from distbench_builtin.tasks.hub import HubTask

pytestmark = pytest.mark.usefixtures("cut_off")

CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
---
# A data set
"""


@pytest.fixture
def pets(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> Path:
    """org/pets: 12 training images in two files, 4 test images."""
    from datasets import ClassLabel, Features, Image, Value

    folder = snapshot("org/pets")
    kinds = Features(
        {"img": Image(), "label": ClassLabel(names=["cat", "dog", "owl"]), "age": Value("int64")}
    )
    for split, count, shards in (("train", 12, 2), ("test", 4, 1)):
        columns = {
            "img": [
                {"bytes": draw((20 * i + 5 * (split == "test")) % 256), "path": f"{split}_{i}.png"}
                for i in range(count)
            ],
            "label": [i % 2 for i in range(count)],
            "age": list(range(count)),
        }
        write_split(folder / "data", split, columns, kinds, shards)
    (folder / "README.md").write_text(CARD)
    return folder


def make(text: str) -> HubTask:
    made = registry().make("task", text)
    assert isinstance(made, HubTask)
    return made


def test_columns_and_splits_are_found(pets: Path) -> None:
    task = make("hub:org/pets")
    index = task.index()
    assert index.classes == ("cat", "dog")  # no image is an owl
    assert {part: len(p) for part, p in index.parts.items()} == {"train": 12, "test": 4}
    assert index.parts["train"].labels.tolist() == [0, 1] * 6
    assert index.parts["train"].names[:2] == ("train_0.png", "train_1.png")
    assert index.notes == ()
    images = task.read("train", [11, 0, 7])
    assert [int(i[0, 0, 0]) for i in images] == [220, 0, 140]
    assert images[0].shape == (6, 8, 3)
    assert images[0].dtype == np.uint8


def test_it_is_typed_as_one_types_it(pets: Path) -> None:
    task = make("hub:id=org/pets,image=img,label=label,train=train,test=test")
    assert task.label == "hub:org/pets:image=img,label=label,train=train,test=test"
    assert make(task.label) == task
    assert task.index().classes == ("cat", "dog")
    table = registry().make("task", {"use": "hub:org/pets", "label": "label"})
    assert table.label == "hub:org/pets:label=label"
    assert HubTask(id="org/pets", label="label").label_column == "label"
    stored = {"use": "hub", **task.model_dump(mode="json")}  # as a plan keeps it for workers
    assert registry().make("task", stored).label == task.label
    assert task.identity()["params"]["label"] == "label"


def test_labels_are_read_without_images(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for one look at their bytes, for copies, that is remembered."""
    make("hub:org/pets").index()

    def refuse(*arguments: Any) -> Any:
        raise AssertionError("an image was read")

    monkeypatch.setattr(ParquetRows, "images", refuse)
    monkeypatch.setattr(ParquetRows, "_group", refuse)
    assert len(make("hub:org/pets").index().parts["train"]) == 12


def test_only_some_row_groups_are_in_memory(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ParquetRows([str(p) for p in sorted((pets / "data").glob("train-*"))])
    assert [rows.column("age")[i] for i in (0, 5, 11)] == [0, 5, 11]
    monkeypatch.setattr("distbench_builtin.shared.hub_data.rows._KEPT", 1)
    found = rows.images("img", range(12))
    assert len(found) == 12 and len(rows._held) == 1
    monkeypatch.setattr("distbench_builtin.shared.hub_data.rows._KEPT", 2**20)
    rows.images("img", range(12))
    assert len(rows._held) == 4  # of three rows each


def test_many_threads_read_the_same_images(pets: Path) -> None:
    task = make("hub:org/pets")
    task.index()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: int(task.read("train", [i % 12])[0][0, 0, 0]), range(200)))
    assert found == [20 * (i % 12) % 256 for i in range(200)]


def test_the_fingerprint_is_that_of_the_commit(
    pets: Path, snapshot: Callable[..., Path], write_split: Callable[..., None]
) -> None:
    import shutil

    first = make("hub:org/pets").index().fingerprint
    assert make("hub:org/pets").index().fingerprint == first
    assert make("hub:org/pets:label=age").index().fingerprint != first
    other = snapshot("org/pets", "f" * 40)
    shutil.copytree(pets, other, dirs_exist_ok=True)
    assert make("hub:org/pets").index().fingerprint != first
    named = make("hub:org/pets:revision=0123456789abcdef0123456789abcdef01234567")
    assert named.index().fingerprint == first


def test_numbers_and_texts_are_classes_too(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> None:
    from datasets import Features, Image, Value

    folder = snapshot("org/odd")
    kinds = Features(
        {
            "picture": Image(),
            "number": Value("int64"),
            "dx": Value("string"),
            "image_id": Value("string"),
        }
    )
    columns: dict[str, list[Any]] = {
        "number": [10, 9, 10, -1, 9, 10],
        "dx": ["nv", "mel", "nv", None, "mel", "nv"],
        "image_id": [f"ISIC_{i}" for i in range(6)],
    }
    for split in ("train", "test"):
        pictures = [{"bytes": draw(i, mark=split), "path": None} for i in range(6)]
        write_split(folder / "data", split, {"picture": pictures, **columns}, kinds)
    texts = make("hub:org/odd").index()
    assert texts.classes == ("mel", "nv")
    assert texts.parts["train"].labels.tolist() == [1, 0, 1, -1, 0, 1]
    assert texts.parts["train"].names[3] == "ISIC_3"
    numbers = make("hub:org/odd:label=number").index()
    assert numbers.classes == ("9", "10")
    assert numbers.parts["test"].labels.tolist() == [1, 0, 1, -1, 0, 1]


def test_a_missing_test_split_is_made_and_stays(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> None:
    from datasets import ClassLabel, Features, Image

    folder = snapshot("org/whole")
    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    columns = {
        "image": [{"bytes": draw(i), "path": f"{i}.png"} for i in range(40)],
        "label": [int(i >= 30) for i in range(40)],
    }
    write_split(folder / "data", "train", columns, kinds)
    index = make("hub:org/whole").index()
    assert np.bincount(index.parts["test"].labels).tolist() == [6, 2]
    assert len(index.parts["train"]) == 32
    assert index.notes == (
        "test part made by distbench: 8 of 40 images, about 0.2 of each class, fixed by the "
        "images' names",
    )
    assert make("hub:org/whole").index().parts["test"].names == index.parts["test"].names
    images = make("hub:org/whole").read("test", range(8))
    assert [f"{i[0, 0, 0]}.png" for i in images] == list(index.parts["test"].names)
    assert len(make("hub:org/whole:share=0.5").index().parts["test"]) == 20


@pytest.mark.slow
def test_folders_of_images_in_a_repository(
    snapshot: Callable[..., Path], draw: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = snapshot("org/tree")
    for split, count in (("train", 3), ("validation", 1), ("test", 2)):
        for shade, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                (folder / split / name / f"{i}.jpg").write_bytes(
                    draw(99 * shade, kind="JPEG", mark=(split, i))
                )
    task = make("hub:org/tree")
    index = task.index()
    assert index.classes == ("cat", "dog")
    assert {p: len(v) for p, v in index.parts.items()} == {"train": 6, "test": 4, "validation": 2}
    which = index.parts["train"].labels.tolist().index(1)
    assert task.read("train", [which])[0][0, 0, 0] == 99
    assert (tmp_path / "home" / "datasets").is_dir()  # paths, not copies of images


def test_a_clone_lies_anywhere(pets: Path, tmp_path: Path) -> None:
    import shutil

    clone = tmp_path / "work" / "clone"
    shutil.copytree(pets, clone)
    (clone / ".git").mkdir()
    task = make("hub:path=clone")
    first = task.index()
    assert first.classes == ("cat", "dog")
    (clone / ".git" / "x").touch()
    assert make("hub:path=clone").index().fingerprint == first.fingerprint
    (clone / "data" / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(DataError, match=r"clone lacks 1 of the 2 files data/train-\*; complete it"):
        make("hub:path=clone").index()


def test_what_is_absent_says_how_to_fetch_it(hub_cache: Path) -> None:
    with pytest.raises(
        DataError,
        match="data set org/none of the Hub is not on this machine; get it with "
        "`distbench fetch --task 'hub:org/none'`",
    ):
        make("hub:org/none").index()
    (download,) = make("hub:org/none").downloads()
    assert not download.present()
    assert make("hub:path=x").downloads() == []


def test_a_cache_without_all_files_is_absent(pets: Path) -> None:
    assert make("hub:org/pets").downloads()[0].present()
    (pets / "data" / "train-00000-of-00002.parquet").unlink()
    assert not make("hub:org/pets").downloads()[0].present()
    with pytest.raises(DataError, match="is not on this machine"):
        make("hub:org/pets").index()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hub:org/pets:label=breed", r"has no column 'breed' \(label=breed\); it has img, label"),
        ("hub:org/pets:label=img", "column 'img' of data set .* is no class label"),
        ("hub:org/pets:test=val", r"has no split 'val' \(test=val\), only \['train', 'test'\]"),
        ("hub:org/pets:validation=test", "split 'test' .* cannot be two parts"),
        ("hub:org/pets:config=small", "cannot read data set org/pets of the Hub in .*small"),
    ],
)
def test_what_cannot_be_read_says_why(pets: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make(text).index()


def test_wrong_specifications() -> None:
    with pytest.raises(UsageError, match=r"give id=org/name, or path=DIR"):
        make("hub")
    with pytest.raises(UsageError, match=r"id=pets is no repository; write id=org/name"):
        make("hub:pets")


def test_a_test_split_without_labels_is_refused(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> None:
    from datasets import ClassLabel, Features, Image

    folder = snapshot("org/hidden")
    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    for split, labels in (("train", [0, 1]), ("validation", [1, 0]), ("test", [-1, -1])):
        images = [{"bytes": draw(1, mark=(split, i)), "path": None} for i in range(2)]
        columns = {"image": images, "label": labels}
        write_split(folder / "data", split, columns, kinds)
    with pytest.raises(DataError, match=r"test images of .* have no labels; name another split"):
        make("hub:org/hidden").index()
    index = make("hub:org/hidden:test=validation").index()
    assert sorted(index.parts) == ["test", "train"]
    assert index.notes == ("test is split 'validation'",)
    assert index.parts["train"].names == ("train-000000", "train-000001")


def test_a_card_that_counts_otherwise(pets: Path) -> None:
    info = (
        "dataset_info:\n  features:\n  - name: img\n    dtype: image\n  - name: label\n    dtype:\n"
        "      class_label:\n        names:\n          '0': tom\n          '1': rex\n"
        "  - name: age\n    dtype: int64\n"
        "  splits:\n  - name: train\n    num_bytes: 1\n    num_examples: {}\n"
        "  - name: test\n    num_bytes: 1\n    num_examples: 4\n"
    )
    card = CARD.replace("configs:", info.format(12) + "configs:")
    (pets / "README.md").write_text(card)
    assert make("hub:org/pets").index().classes == ("tom", "rex")  # the card's names hold
    (pets / "README.md").write_text(card.replace("num_examples: 12", "num_examples: 99"))
    with pytest.raises(DataError, match="has 12 rows in split 'train', but its card says 99"):
        make("hub:org/pets").index()


def test_large_images_may_come_smaller(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> None:
    from datasets import ClassLabel, Features, Image

    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = snapshot("org/large")
    for split in ("train", "test"):
        large = [
            {"bytes": draw(77, (640, 480), "JPEG", mark=(split, i)), "path": None} for i in range(2)
        ]
        write_split(folder / "data", split, {"image": large, "label": [0, 1]}, kinds)
    task = make("hub:org/large")
    assert task.read("train", [0])[0].shape == (480, 640, 3)
    assert task.read_reduced("train", [0], 60)[0].shape == (120, 160, 3)
    assert task.read_reduced("train", [0], 600)[0].shape == (480, 640, 3)


def test_a_broken_image_is_named(
    snapshot: Callable[..., Path], write_split: Callable[..., None]
) -> None:
    from datasets import ClassLabel, Features, Image

    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = snapshot("org/broken")
    for split in ("train", "test"):
        images = [{"bytes": f"no {split} {i}".encode(), "path": "x.jpg"} for i in range(2)]
        columns = {"image": images, "label": [0, 1]}
        write_split(folder / "data", split, columns, kinds)
    task = make("hub:org/broken")
    task.index()
    with pytest.raises(CorruptImageError, match="cannot read image 'train-000001': not an image"):
        task.read("train", [1])


ANIMALS = {"cat": 60, "dog": 130, "fox": 200}


@pytest.fixture
def animals(
    tmp_path: Path, write_split: Callable[..., None], draw: Callable[..., bytes]
) -> Callable[..., Path]:
    """Writes files of a clone, each with class names in an order of its own."""
    from datasets import ClassLabel, Features, Image, Value

    def write(split: str, names: list[str], given: list[str | int], **options: Any) -> Path:
        kinds = Features(
            {"image": Image(), "label": ClassLabel(names=names), "person": Value("string")}
        )
        start = options.pop("start", 0)
        shades = [ANIMALS.get(str(g), 10) for g in given]
        columns = {
            "image": [
                {"bytes": draw(shade, (8, 7 + start + i)), "path": None}
                for i, shade in enumerate(shades)
            ],
            "label": [names.index(g) if isinstance(g, str) else g for g in given],
            "person": [f"p{(start + i) // 4}" for i in range(len(given))],
        }
        write_split(tmp_path / "clone" / "data", split, columns, kinds, **options)
        return tmp_path / "clone"

    return write


def test_each_file_names_its_own_classes(animals: Callable[..., Path]) -> None:
    animals("train", ["cat", "dog", "fox"], ["cat", "dog", "fox"] * 4)
    clone = animals("test", ["fox", "dog", "cat"], ["cat", "dog", "fox"] * 2, start=50)
    task = make(f"hub:path={clone}")
    index = task.index()
    assert index.classes == ("cat", "dog", "fox")
    for part in ("train", "test"):
        images = task.read(part, range(len(index.parts[part])))
        shades = [ANIMALS[index.classes[label]] for label in index.parts[part].labels]
        assert [int(image[0, 0, 0]) for image in images] == shades
    assert index.notes == (
        "1 files number the classes in an order of their own; they were read by name",
    )


def test_classes_that_a_later_file_adds_are_known(animals: Callable[..., Path]) -> None:
    animals("train", ["dog", "cat"], ["cat", "dog"] * 3)
    animals("validation", ["fox", "cat"], ["cat"], start=70)
    clone = animals("test", ["cat"], ["cat"] * 2, start=50)
    index = make(f"hub:path={clone}").index()
    assert index.classes == ("dog", "cat")
    assert index.parts["test"].labels.tolist() == [1, 1]


@pytest.mark.parametrize("number", [3, 7])
def test_a_label_without_a_name_is_named(animals: Callable[..., Path], number: int) -> None:
    animals("train", ["cat", "dog", "fox"], ["cat", "dog", "fox"] * 4)
    import pyarrow as pa
    import pyarrow.parquet as pq

    clone = animals("test", ["cat", "dog", "fox"], ["cat", "dog", "dog"], start=50)
    file = clone / "data" / "test-00000-of-00001.parquet"
    table = pq.read_table(file)
    labels = pa.array([0, number, 1], pa.int64())
    pq.write_table(table.set_column(1, table.schema.field("label"), labels), file)
    with pytest.raises(DataError) as caught:
        make(f"hub:path={clone}").index()
    words = f"row 1 of {clone}/data/test-00000-of-00001.parquet has {number} in column 'label', but"
    assert words in str(caught.value)
    assert "its 3 classes are 0 to 2 (cat, dog, fox)" in str(caught.value)


def test_a_card_and_files_that_disagree_are_refused(animals: Callable[..., Path]) -> None:
    animals("train", ["cat", "dog"], ["cat", "dog"] * 3)
    clone = animals("test", ["dog", "owl"], ["dog"], start=50)
    info = (
        "dataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: label\n"
        "    dtype:\n      class_label:\n        names:\n          '0': cat\n          '1': dog\n"
        "  - name: person\n    dtype: string\n"
    )
    (clone / "README.md").write_text(CARD.replace("configs:", info + "configs:"))
    with pytest.raises(DataError, match="names classes that the data set's card or its other"):
        make(f"hub:path={clone}").index()


def test_copies_in_a_clone_are_refused_and_kept_together(animals: Callable[..., Path]) -> None:
    names = ["cat", "dog", "fox"]
    animals("train", names, names * 6)
    clone = animals("test", names, names * 2)
    with pytest.raises(DataError, match="6 of 6 test images are among the training or valid"):
        make(f"hub:path={clone}").index()
    assert len(make(f"hub:path={clone},copies=allow").index().notes) == 1
    only = make(f"hub:path={clone},train=train,test=none")
    assert "copies" not in only.identity()["params"] and "group" not in only.identity()["params"]


def test_pictures_saved_again_stay_in_one_part(
    tmp_path: Path, write_split: Callable[..., None]
) -> None:
    from datasets import ClassLabel, Features, Image

    rng, images = np.random.default_rng(0), []
    for _ in range(30):
        forms = Pillow.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((64, 64))
        for kind, how in (("png", {}), ("jpeg", {"quality": 85})):
            held = io.BytesIO()
            forms.save(held, kind, **how)
            images.append({"bytes": held.getvalue(), "path": None})
    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    columns = {"image": images, "label": [i // 2 % 2 for i in range(60)]}
    write_split(tmp_path / "clone" / "data", "train", columns, kinds)

    def divided(task: str) -> int:
        parts = make(task).index().parts.values()
        pictures = [{int(name.split("-")[1]) // 2 for name in part.names} for part in parts]
        return len(set.intersection(*pictures))

    task = f"hub:path={tmp_path / 'clone'}"
    assert divided(task) > 3 and divided(f"{task},copies=together") == 0
    notes = make(f"{task},copies=together").index().notes
    assert any("30 of 60 images show the same picture as another" in note for note in notes)


def test_copies_in_a_data_set_of_the_hub_are_refused(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> None:
    from datasets import ClassLabel, Features, Image

    folder = snapshot("org/twice")
    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    for split, marks in (("train", [0, 1, 2, 3]), ("validation", [8, 9]), ("test", [5, 2])):
        images = [{"bytes": draw(7, mark=mark), "path": None} for mark in marks]
        write_split(
            folder / "data", split, {"image": images, "label": [0, 1] * (len(marks) // 2)}, kinds
        )
    words = r"1 of 2 test images are among .* \(test-000001 is train-000002\).*copies=allow"
    with pytest.raises(DataError, match=words):
        make("hub:org/twice").index()
    index = make("hub:org/twice:copies=allow").index()
    assert "1 of 2 test images" in index.notes[0]
    assert all(part.groups is None for part in index.parts.values())


def test_groups_of_a_data_set_stay_together(animals: Callable[..., Path]) -> None:
    names = ["cat", "dog"]
    clone = animals("train", names, names * 12)
    plain = make(f"hub:path={clone}").index()
    assert len(plain.parts["test"]) == 4 and plain.parts["train"].groups is None
    index = make(f"hub:path={clone},group=person").index()
    persons = {
        part: {int(name.split("-")[1]) // 4 for name in own.names}
        for part, own in index.parts.items()
    }
    assert not persons["train"] & persons["test"] and len(index.parts["test"]) == 4
    assert index.parts["train"].groups is not None
    assert index.fingerprint != plain.fingerprint
    with pytest.raises(DataError, match=r"no column .there are image, label, person"):
        make(f"hub:path={clone},group=patient").index()


@pytest.mark.parametrize("column", ["label", "person"])
def test_spellings_in_a_data_set_are_questioned(
    snapshot: Callable[..., Path],
    write_split: Callable[..., None],
    draw: Callable[..., bytes],
    column: str,
) -> None:
    from datasets import Features, Image, Value

    folder = snapshot("org/slips")
    kinds = Features({"image": Image(), "label": Value("string"), "person": Value("string")})
    columns: dict[str, list[Any]] = {
        "image": [{"bytes": draw(i), "path": None} for i in range(12)],
        "label": ["cat", "dog"] * 6,
        "person": [f"P{i // 2}" for i in range(12)],
    }
    columns[column][11] = {"label": "Dog", "person": " p0"}[column]
    write_split(folder / "data", "train", columns, kinds)
    words = {"label": r"'dog' .row 1 of split 'train'. and 'Dog'", "person": "'P0' .* and ' p0'"}
    with pytest.raises(DataError, match=words[column] + ".*labels=keep"):
        make("hub:org/slips:group=person").index()
    kept = make("hub:org/slips:group=person,labels=keep")
    assert len(kept.index().classes) == (3 if column == "label" else 2)
    assert "labels" not in kept.identity()["params"]


def test_images_of_a_clone_are_read_for_copies_once(
    animals: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = animals("train", ["cat", "dog"], ["cat", "dog"] * 6)
    first = make(f"hub:path={clone}").index()
    monkeypatch.setattr(ParquetRows, "images", None)
    assert make(f"hub:path={clone}").index().fingerprint == first.fingerprint


def test_dim_images_of_16_bits_are_refused_until_it_is_said(
    snapshot: Callable[..., Path], write_split: Callable[..., None]
) -> None:
    import io

    from datasets import ClassLabel, Features, Image
    from PIL import Image as Pillow

    kinds = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = snapshot("org/deep")
    for number, split in enumerate(("train", "test")):
        images = []
        for i in range(2):
            file = io.BytesIO()
            values = np.array([[0, 700, 4095, 4090 - 2 * number - i]], np.uint16)
            Pillow.fromarray(values).save(file, "PNG")
            images.append({"bytes": file.getvalue(), "path": None})
        write_split(folder / "data", split, {"image": images, "label": [0, 1]}, kinds)
    with pytest.raises(DataError, match=r"bits=12 or more"):
        make("hub:org/deep").read("train", [1])
    task = make("hub:org/deep:bits=12")
    assert task.read("train", [1])[0][0, :3, 0].tolist() == [0, 43, 255]
    assert "bits" not in make("hub:org/deep").identity()["params"]
    # The same files are other images under other bits: what is kept of them must not be served.
    tasks = [make(f"hub:org/deep{more}") for more in ("", ":bits=12", ":bits=16")]
    assert len({one.index().fingerprint for one in tasks}) == 3


def test_labels_that_are_edited_are_read_again_though_the_time_of_their_file_is_kept(
    tmp_path: Path, draw: Callable[..., bytes]
) -> None:
    clone = tmp_path / "clone"
    for split, count in (("train", 8), ("test", 2)):
        (clone / split).mkdir(parents=True)
        for i in range(count):
            (clone / split / f"{i}.png").write_bytes(draw(20 * i + 7 * (split == "test")))
        rows = [{"file_name": f"{i}.png", "label": "ab"[i % 2]} for i in range(count)]
        (clone / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    before = make(f"hub:path={clone}").index()
    assert before.parts["test"].labels.tolist() == [0, 1]
    table = clone / "test" / "metadata.jsonl"
    times, text = table.stat(), table.read_text()
    table.write_text(text.replace('"b"', '"c"').replace('"a"', '"b"').replace('"c"', '"a"'))
    os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = make(f"hub:path={clone}").index()
    assert after.parts["test"].labels.tolist() == [1, 0]
    assert after.fingerprint != before.fingerprint
