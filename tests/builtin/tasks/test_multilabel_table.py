"""Tables whose cells name several classes of an image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import DataError, UsageError
from distbench_builtin.shared.images.label_sets import classes_in, joined
from distbench_builtin.tasks.folder import FolderTask

CELLS = {
    **{f"a{i}.png": "cat" for i in range(10)},
    **{f"b{i}.png": "dog | cat" for i in range(5)},
    **{f"c{i}.png": "owl;cat;dog" for i in range(5)},
    **{f"d{i}.png": "|" for i in range(5)},
    "e.png": "",
}


def written(root: Path, cells: Mapping[str, str] = CELLS, split: Mapping[str, str] = {}) -> Path:
    """A folder of images with a table of them."""
    for number, name in enumerate(cells):
        Image.new("RGB", (8, 8), (number, 90, 20)).save(root / name)
    lines = [f"{name},{cell},{split.get(name, '')}" for name, cell in cells.items()]
    table = root / "labels.csv"
    table.write_text("\n".join(["file,label,split", *lines]) + "\n")
    return table


def test_labels_of_several_classes(tmp_path: Path) -> None:
    split = {name: "test" if name[1] == "0" else "train" for name in CELLS}
    index = FolderTask(table=written(tmp_path, split=split), multilabel=True).index()
    assert index.classes == ("cat", "dog", "owl") and index.several
    train, test = index.parts["train"], index.parts["test"]
    known = dict(zip(train.names, train.labels.tolist(), strict=True))
    assert known["a1.png"] == [1, 0, 0] and known["b1.png"] == [1, 1, 0]
    assert known["c1.png"] == [1, 1, 1] and known["d1.png"] == [0, 0, 0]
    assert known["e.png"] == [-1, -1, -1]
    assert test.labels.tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]]


def test_a_test_part_that_is_made_has_a_share_of_each_class(tmp_path: Path) -> None:
    index = FolderTask(table=written(tmp_path), multilabel=True, test=0.2).index()
    shown = (index.parts["test"].labels == 1).sum(axis=0)
    # a fifth of those whose rarest class is cat (10), dog (5), owl (5), and of those with none (5)
    assert shown.tolist() == [4, 2, 1] and len(index.parts["test"]) == 5


def test_the_fingerprint_tells_what_a_cell_means(tmp_path: Path) -> None:
    table = written(tmp_path, {f"{i}.png": "x|y" if i % 2 else "z" for i in range(8)})
    one, several = (FolderTask(table=table, multilabel=m).index() for m in (False, True))
    assert one.classes == ("x|y", "z") and several.classes == ("x", "y", "z")
    assert one.fingerprint != several.fingerprint
    assert "multilabel" not in FolderTask(table=table).identity()["params"]


def test_cells_that_seem_to_name_several_are_refused_where_nobody_says_so(tmp_path: Path) -> None:
    table = written(tmp_path)
    with pytest.raises(DataError, match=r"line 12 .*'dog \| cat'.*Say multilabel=true, or .*keep"):
        FolderTask(table=table).index()
    assert "dog | cat" in FolderTask(table=table, labels="keep").index().classes


def test_a_test_class_without_training_images_is_named(tmp_path: Path) -> None:
    cells = {"a.png": "x", "b.png": "y", "c.png": "x|z"}
    split = {"a.png": "train", "b.png": "train", "c.png": "test"}
    with pytest.raises(DataError, match=r"class 'z' .*has test images but no training images"):
        FolderTask(table=written(tmp_path, cells, split), multilabel=True).index()


def test_spellings_are_questioned_within_cells(tmp_path: Path) -> None:
    cells = {**CELLS, "f.png": "Cat|owl"}
    with pytest.raises(DataError, match=r"'cat'.* and 'Cat'"):
        FolderTask(table=written(tmp_path, cells), multilabel=True).index()


def test_numbers_are_no_classes_yet(tmp_path: Path) -> None:
    cells = {f"{i}.png": str(0.37 * i) for i in range(8)}
    with pytest.raises(DataError, match=r"holds numbers, such as .*no numbers yet \(regression\)"):
        FolderTask(table=written(tmp_path, cells)).index()
    halves = {f"{i}.png": str(0.5 + i % 2) for i in range(8)}  # 0.5 and 1.5: doses, say
    again = tmp_path / "again"
    again.mkdir()
    assert FolderTask(table=written(again, halves)).index().classes == ("0.5", "1.5")


def test_it_is_about_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multilabel=true is about the cells of table=FILE"):
        FolderTask(path=tmp_path, multilabel=True)


def test_cells() -> None:
    assert classes_in(" b | a;b ") == ("a", "b") and classes_in("|") == ()
    assert joined(()) == "|" and classes_in(joined(("a", "b"))) == ("a", "b")
    assert np.array_equal(classes_in("a b"), ("a b",))
