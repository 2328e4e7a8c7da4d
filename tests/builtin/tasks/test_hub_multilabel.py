"""Data sets of the Hub whose labels are lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from distbench import DataError, Task
from distbench.plugins.registry import registry

pytestmark = pytest.mark.usefixtures("cut_off")
Write = Callable[..., None]
Draw = Callable[..., bytes]


@pytest.fixture
def scenes(snapshot: Callable[..., Path], write_split: Write, draw: Draw) -> Callable[..., Path]:
    """Writes org/scenes: images with a list of labels each."""

    def write(kind: object, **splits: Sequence[object]) -> Path:
        from datasets import Features, Image, Value

        folder = snapshot("org/scenes")
        kinds = Features({"image": Image(), "labels": kind, "patient": Value("int64")})
        for number, (split, labels) in enumerate(splits.items()):
            images = [
                {"bytes": draw((4 * i + 2 * number) % 256), "path": f"{split}_{i}.png"}
                for i in range(len(labels))
            ]
            patients = [i // 2 + 100 * number for i in range(len(labels))]
            columns = {"image": images, "labels": list(labels), "patient": patients}
            write_split(folder / "data", split, columns, kinds, 1)
        return folder

    return write


def make(text: str) -> Task:
    made = registry().make("task", text)
    assert isinstance(made, Task)
    return made


def test_lists_of_numbers_with_names(scenes: Callable[..., Path]) -> None:
    from datasets import ClassLabel, List

    kind = List(ClassLabel(names=["tree", "car", "sea", "moon"]))
    scenes(kind, train=[[0, 1], [], None, [1], [2, 0, 2]], test=[[2], [1, 0], []])
    index = make("hub:org/scenes").index()
    assert index.classes == ("tree", "car", "sea")  # no image shows the moon
    assert index.several
    train = [[1, 1, 0], [0, 0, 0], [-1, -1, -1], [0, 1, 0], [1, 0, 1]]
    assert index.parts["train"].labels.tolist() == train
    assert index.parts["test"].labels.tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 0]]


def test_lists_of_texts_are_found_by_the_name_of_their_column(
    scenes: Callable[..., Path],
) -> None:
    from datasets import List, Value

    scenes(List(Value("string")), train=[["b", "a"], ["b"], []], test=[["a"], ["b"]])
    index = make("hub:org/scenes").index()
    assert index.classes == ("a", "b")
    assert index.parts["train"].labels.tolist() == [[1, 1], [0, 1], [0, 0]]


def test_files_that_number_the_classes_otherwise_are_read_by_name(
    scenes: Callable[..., Path], write_split: Write, draw: Draw
) -> None:
    from datasets import ClassLabel, Features, Image, List

    folder = scenes(List(ClassLabel(names=["a", "b"])), test=[[0, 1], [1]])
    kinds = Features({"image": Image(), "labels": List(ClassLabel(names=["b", "a"]))})
    columns = {
        "image": [{"bytes": draw(201 + i), "path": None} for i in range(2)],
        "labels": [[0], [1]],
    }
    write_split(folder / "data", "train", columns, kinds, 1)
    index = make("hub:org/scenes").index()
    shown = {c: index.parts["train"].labels[:, index.classes.index(c)].tolist() for c in "ab"}
    assert shown == {"a": [0, 1], "b": [1, 0]}
    assert any("order of their own" in note for note in index.notes)


def test_a_test_part_has_its_share_of_rare_classes_and_whole_groups(
    scenes: Callable[..., Path],
) -> None:
    from datasets import List, Value

    labels = [["often", "rare"] if i % 10 < 2 else ["often"] for i in range(60)]
    scenes(List(Value("string")), train=labels)
    index = make("hub:org/scenes:share=0.5,group=patient").index()
    train, test = index.parts["train"], index.parts["test"]
    rare = index.classes.index("rare")
    assert (len(train), len(test)) == (30, 30)
    assert train.labels[:, rare].sum() == test.labels[:, rare].sum() == 6
    assert train.groups is not None and test.groups is not None
    assert not set(train.groups.tolist()) & set(test.groups.tolist())
    again = make("hub:org/scenes:share=0.5,group=patient").index()
    assert again.parts["test"].names == test.names
    assert again.fingerprint == index.fingerprint


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([["a|b"], ["c"]], r"row 0 of .* has \['a\|b'\] .* without \| or ;"),
        ([["c"], ["a", None]], r"row 1 of .* has \['a', None\]"),
        ([["c"], ["a", ""]], r"row 1 of .* has \['a', ''\]"),
        ([["c"], [" a"]], r"row 1 of .* without spaces around it"),
    ],
)
def test_what_no_class_can_be_called_is_refused(
    scenes: Callable[..., Path], labels: Sequence[object], said: str
) -> None:
    from datasets import List, Value

    scenes(List(Value("string")), train=labels)
    with pytest.raises(DataError, match=said):
        make("hub:org/scenes").index()


def test_lists_of_what_is_no_class_are_refused(scenes: Callable[..., Path]) -> None:
    from datasets import List, Value

    scenes(List(Value("float32")), train=[[0.5], [0.1]])
    with pytest.raises(DataError, match="no class label but lists of float32"):
        make("hub:org/scenes:label=labels").index()


ALL14 = ["Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia"]
ALL14 += ["Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening"]
ALL14 += ["Hernia"]
FOUND: list[list[str]] = [[], ["Mass", "Nodule"], *([name] for name in ALL14)]


def expect(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from distbench_builtin.tasks import chestx14

    counts = {"train": len(FOUND), "test": len(FOUND)}
    monkeypatch.setattr(chestx14, "ENTRY", replace(chestx14.ENTRY, counts=counts))


def check_chest(index: object) -> None:
    from distbench import TaskIndex
    from distbench_builtin.tasks.paper.names import CHESTX14, key

    assert isinstance(index, TaskIndex)
    assert index.classes == CHESTX14
    assert [key(name) for name in ALL14] == [key(name) for name in CHESTX14]
    for part in index.parts.values():
        shown = [[CHESTX14[i] for i in np.flatnonzero(row == 1)] for row in part.labels]
        wanted = [[name.lower().replace("_", " ") for name in names] for names in FOUND]
        assert shown == wanted
        assert (part.labels >= 0).all()
    train = index.parts["train"].groups
    assert train is not None and train[0] == train[1] != train[2]  # of one patient


def test_chest_x_rays_with_all_findings_from_the_hub(
    snapshot: Callable[..., Path],
    write_split: Write,
    draw: Draw,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from datasets import ClassLabel, Features, Image, List, Value

    folder = snapshot("timm/nih-chest-xray-14", "c1bf579641b3256b4d49924436984b82bee5834d")
    kinds = Features(
        {
            "image_id": Value("string"),
            "image": Image(),
            "labels": List(ClassLabel(names=ALL14)),
            "label_names": List(Value("string")),
        }
    )
    for number, split in enumerate(("train", "test")):
        columns = {
            "image_id": [f"{100 * number + i // 2:08d}_{i % 2:03d}" for i in range(len(FOUND))],
            "image": [
                {"bytes": draw(9 * i + 4 * number, kind="JPEG"), "path": None}
                for i in range(len(FOUND))
            ],
            "labels": [[ALL14.index(n) for n in names] for names in FOUND],
            "label_names": FOUND,
        }
        write_split(folder / "data", split, columns, kinds, shards=2)
    with pytest.raises(DataError, match="16 images in train instead of 86524"):
        make("chestx14").index()
    expect(monkeypatch)
    check_chest(make("chestx14").index())


def test_chest_x_rays_from_the_official_files(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect(monkeypatch)
    count = len(FOUND)
    images = [f"{i // 2:08d}_{i % 2:03d}.png" for i in range(2 * count)]
    cells = ["|".join(names) or "No Finding" for names in FOUND]
    rows = [f"{image},{cells[i % count]},58" for i, image in enumerate(images)]
    table = tmp_path / "Data_Entry_2017_v2020.csv"
    table.write_text("\n".join(["Image Index,Finding Labels,Patient Age", *rows, ""]))
    (tmp_path / "train_val_list.txt").write_text("\n".join(images[:count]))
    (tmp_path / "test_list.txt").write_text("\n".join(images[count:]))
    (tmp_path / "images").mkdir()
    for i, image in enumerate(images):
        (tmp_path / "images" / image).write_bytes(draw(7 * i))
    check_chest(make(f"chestx14:path={tmp_path}").index())
    (tmp_path / "images" / images[0]).unlink()  # it shows nothing, and counts
    with pytest.raises(DataError, match=r"1 of 32 images listed in .* are not there"):
        make(f"chestx14:path={tmp_path}").index()
