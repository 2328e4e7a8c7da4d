"""Tables of images: columns, parts, names, what is refused, and folders of unlabelled images."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import UNLABELLED, DataError, UsageError
from distbench.plugins.component_identity import as_table
from distbench.plugins.registry import registry
from distbench_builtin.tasks.folder import FolderTask

ROWS = [(f"img/{k}{i}.png", k) for k in ("cat", "dog") for i in range(5)]


def put(root: Path, *names: str) -> Path:
    """Small images, each with a content of its own."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.frombuffer((name.encode() * 12)[:36], np.uint8).reshape(3, 4, 3)
        Image.fromarray(pixels).save(file, "PNG")
        os.utime(file, (1_600_000_000,) * 2)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "d", *(name for name, _ in ROWS))


def write(root: Path, *lines: str, name: str = "labels.csv") -> Path:
    path = root / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def csv(root: Path, head: str = "file,label", more: tuple[str, ...] = (), sep: str = ",") -> Path:
    return write(root, head.replace(",", sep), *(sep.join(row) for row in ROWS), *more)


def index(table: Path, **parameters):
    return FolderTask(table=table, **parameters).index()


def refused(table: Path, **parameters) -> str:
    with pytest.raises(DataError) as caught:
        index(table, **parameters)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


def counts(found) -> dict[str, int]:
    return {part: len(rows) for part, rows in found.parts.items()}


# --- formats ------------------------------------------------------------------------------------


def in_jsonl(root: Path) -> Path:
    return write(root, *(json.dumps({"file": f, "label": k}) for f, k in ROWS), name="t.jsonl")


def in_json(root: Path) -> Path:
    rows = [{"file": f, "label": k} for f, k in ROWS]
    return write(root, json.dumps(rows, indent=1), name="t.json")


def in_parquet(root: Path) -> Path:
    import pyarrow
    from pyarrow import parquet

    files, labels = zip(*ROWS, strict=True)
    table = pyarrow.table({"file": files, "label": labels, "image_bytes": [b"x" * 99] * len(ROWS)})
    parquet.write_table(table, root / "t.parquet", row_group_size=3)
    return root / "t.parquet"


@pytest.mark.parametrize("make", [csv, in_jsonl, in_json, in_parquet])
def test_every_format_gives_the_same_task(root, make):
    found = index(make(root))
    assert found.classes == ("cat", "dog")
    assert counts(found) == {"train": 8, "test": 2}
    assert found.parts["train"].labels.tolist() == [0] * 4 + [1] * 4
    assert found.fingerprint == index(csv(root)).fingerprint
    task = FolderTask(table=make(root))
    assert task.read("test", [0])[0].shape == (3, 4, 3)


def test_a_table_splits_as_class_folders_do(tmp_path):
    names = [f"{k}/{i}.png" for k in "ab" for i in range(10)]
    put(tmp_path / "d", *names)
    write(tmp_path / "d", "file,label", *(f"{n},{n[0]}" for n in names))
    listed = index(tmp_path / "d" / "labels.csv")
    assert listed.parts["test"].names == FolderTask(path=tmp_path / "d").index().parts["test"].names
    assert listed.notes == (
        "test part made by distbench: 4 of 20 images, about 0.2 of each class, fixed by their "
        "file names",
    )


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_delimiters_marks_and_quotes(root, sep):
    put(root, f"odd{sep if sep != '|' else '-'}name.png")
    odd = f'"odd{sep if sep != "|" else "-"}name.png"{sep}"dog"'
    path = csv(root, more=(odd, ""), sep=sep)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert counts(index(path)) == {"train": 9, "test": 2}


@pytest.mark.parametrize(
    ("head", "parameters"),
    [
        ("filename,class", {}),
        ("File_Name,Category", {}),
        ("image path,target", {}),
        ("a,b", {"file": "a", "label": "b"}),
        ("file,image", {"file": "file", "label": "image"}),
    ],
)
def test_columns_are_found_or_named(root, head, parameters):
    assert counts(index(csv(root, head), **parameters)) == {"train": 8, "test": 2}


def test_numbers_are_class_names(root):
    lines = [json.dumps({"file": f, "label": float(len(k) > 3 or k == "cat")}) for f, k in ROWS]
    lines = [line.replace("1.0", "7.0", 5) if i < 5 else line for i, line in enumerate(lines)]
    lines[-1] = lines[-1].replace("0.0", "0")
    found = index(write(root, *lines, name="t.jsonl"))
    assert found.classes == ("0", "7")


# --- parts --------------------------------------------------------------------------------------


def test_given_parts(root):
    parts = ["train", "Training", "TEST", "val", "unlabelled"] * 2
    lines = [f"{f},{k},{p}" for (f, k), p in zip(ROWS, parts, strict=True)]
    found = index(write(root, "file,label,split", *lines))
    assert counts(found) == {"train": 6, "test": 2, "validation": 2}
    assert found.parts["train"].labels.tolist() == [0, 0, 1, 1, UNLABELLED, UNLABELLED]
    assert found.parts["train"].names[-1] == "img/dog4.png"
    assert found.notes == ()


def test_rows_without_a_class(root):
    put(root, "u1.png", "u2.png", "t.png")
    lines = [f"{f},{k},train" for f, k in ROWS] + ["u1.png,,train", "u2.png,,", "t.png,,test"]
    path = write(root, "file,label,split", *lines)
    assert "line 13" in refused(path)
    assert "has no part in column 'split'; write train, test, val" in refused(path)
    path = write(root, "file,label,split", *lines[:-2], lines[-1])
    found = index(path)
    assert counts(found) == {"train": 9, "test": 2}
    assert found.parts["train"].labels.tolist()[-1] == UNLABELLED
    assert found.notes[0] == "1 test images without a label left out"


def test_a_column_that_only_looks_like_parts(root):
    lines = [f"{f},{k},{i % 3}" for i, (f, k) in enumerate(ROWS)]
    path = write(root, "file,label,set", *lines)
    assert index(path).notes[0] == "column 'set' of the table names no part and is not used"
    assert "line 2" in refused(path, split="set")
    assert "has part '0' in column 'set'" in refused(path, split="set")
    lines = [f"{f},{k},train" for f, k in ROWS[:-1]] + ["img/dog4.png,dog,tset"]
    assert "has part 'tset' in column 'split'" in refused(write(root, "file,label,split", *lines))


# --- names of files -----------------------------------------------------------------------------


def test_names_start_from_the_table_or_the_folder(root, tmp_path):
    (tmp_path / "tables").mkdir()
    table = csv(root).rename(tmp_path / "tables" / "labels.csv")
    assert "10 files that" in refused(table)
    assert "img/cat0.png, img/cat1.png, img/cat2.png and 7 more; mend the names" in refused(table)
    found = index(table, path=root)
    assert found.fingerprint == index(csv(root)).fingerprint
    whole = write(root, "file,label", *(f"{root / f},{k}" for f, k in ROWS), name="whole.csv")
    assert index(whole).fingerprint == found.fingerprint
    assert "is a file, not a folder; mend path=DIR" in refused(table, path=table)


def test_names_without_suffix_and_from_other_systems(root):
    lines = [f"{f.removesuffix('.png')},{k}" for f, k in ROWS[:5]]
    lines += [f"{f.replace('/', chr(92))},{k}" for f, k in ROWS[5:]]
    found = index(write(root, "file,label", *lines))
    assert found.fingerprint == index(csv(root)).fingerprint
    assert found.parts["train"].names[0].startswith("img/cat")


def test_files_listed_twice(root):
    message = refused(csv(root, more=("img/../img/cat0.png,cat",)))
    assert "lists 1 files more than once: img/../img/cat0.png; keep one row for each" in message


def test_missing_files(root):
    message = refused(csv(root, more=("gone.png,cat", "img/none,dog")))
    assert f"2 files that {root / 'labels.csv'} lists (column 'file') are not in {root}" in message
    assert "gone.png, img/none; mend the names, or say path=DIR" in message
    assert "line 12" in refused(csv(root, more=(",cat",)))
    assert "names no file (column 'file')" in refused(csv(root, more=(",cat",)))


# --- what is refused ----------------------------------------------------------------------------


def test_unknown_columns(root):
    path = csv(root)
    assert "has no column 'dx'; it has 'file', 'label'" in refused(path, label="dx")
    message = refused(csv(root, "a,label"))
    assert "which column of" in message
    assert "holds the names of the image files? It has 'a', 'label'" in message
    assert "say file=COLUMN" in message
    assert "holds the classes" in refused(csv(root, "file,dx"))
    assert "could be in 'file' or 'image' of" in refused(csv(root, "file,image"))
    assert "two columns are called 'file'" in refused(csv(root, "file,file"))


def test_classes_that_will_not_do(root):
    one = write(root, "file,label", *(f"{f},x" for f, _ in ROWS))
    assert "have one class ('x') in column 'label'; a task needs two classes" in refused(one)
    none = write(root, "file,label", *(f"{f}," for f, _ in ROWS))
    assert "have no label in column 'label'" in refused(none)
    lines = [f"{f},{k},train" for f, k in ROWS[:-1]] + ["img/dog4.png,bird,test"]
    message = refused(write(root, "file,label,split", *lines))
    assert "class 'bird' of" in message
    assert "has test images but no training images" in message
    single = write(root, "file,label", "img/cat0.png,cat", "img/dog0.png,dog")
    assert "has two images, so no test part can be made; list more images" in refused(single)


def test_files_that_are_no_tables(root, tmp_path):
    assert "does not exist; mend table=FILE" in refused(tmp_path / "none.csv")
    (tmp_path / "x.csv").mkdir()
    assert "is a folder; mend table=FILE" in refused(tmp_path / "x.csv")
    assert "its name must end in .csv" in refused(write(root, "x", name="t.xlsx"))
    latin = root / "latin.csv"
    latin.write_bytes("file,label\nä.png,b\n".encode("latin-1"))
    assert "latin.csv is not UTF-8 text; save it as UTF-8" in refused(latin)
    ragged = csv(root, more=("img/x.png,cat,",))
    assert "line 12 has 3 cells, the first line names 2 columns" in refused(ragged)
    assert "line 2 is no JSON" in refused(write(root, '{"file": "a"}', "{", name="t.jsonl"))
    assert "line 1 is no object" in refused(write(root, "3", name="t.jsonl"))
    nested = write(root, json.dumps({"file": {"bytes": 1}, "label": "x"}), name="n.jsonl")
    assert "line 1 holds an object where a file name" in refused(nested)
    assert "cannot read the table" in refused(write(root, "PAR1 not", name="t.parquet"))
    assert "It has none" in refused(write(root, "", name="empty.csv"))


def test_lists_of_classes_in_parquet(root):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"file": [ROWS[0][0]], "label": [["cat", "dog"]]})
    parquet.write_table(table, root / "t.parquet")
    assert "row 1 holds a list where a file name, class or part" in refused(root / "t.parquet")


def test_parameters(tmp_path):
    make = registry().make
    task = make("task", "folder:table=l.csv,file=a,label=b,split=c,unlabelled=u", base=tmp_path)
    assert isinstance(task, FolderTask)
    assert (task.table, task.unlabelled) == (tmp_path / "l.csv", tmp_path / "u")
    assert (task.file_column, task.label_column, task.split_column) == ("a", "b", "c")
    assert make("task", as_table(task)) == task
    assert make("task", task.label) == task
    with pytest.raises(UsageError, match="needs path=DIR, a folder of images, or table=FILE"):
        make("task", "folder")
    with pytest.raises(UsageError, match="file=a names a column of table=FILE"):
        make("task", "folder:path=x,file=a")


# --- a folder of unlabelled images --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["table", "path"])
def test_further_unlabelled_images(tmp_path, kind):
    names = [f"{k}/{i}.png" for k in "ab" for i in range(5)]
    root = put(tmp_path / "d", *names)
    table = write(root, "file,label", *(f"{n},{n[0]}" for n in names))
    more = put(tmp_path / "more", "x.png", "deep/er/y.png", "a/0.png", "b/3.png")
    given = {"table": table} if kind == "table" else {"path": root}
    before = FolderTask(**given).index()
    task = FolderTask(**given, unlabelled=more)
    found = task.index()
    train = found.parts["train"]
    assert train.names[-2:] == ("unlabelled/deep/er/y.png", "unlabelled/x.png")
    assert train.labels.tolist() == [*before.parts["train"].labels.tolist(), -1, -1]
    assert found.parts["test"].names == before.parts["test"].names
    assert found.fingerprint != before.fingerprint
    assert (
        "2 of 4 unlabelled images left out: they are among the other images, byte for byte"
        in found.notes
    )
    (pixels,) = task.read("train", [len(train) - 1])
    assert (pixels == np.asarray(Image.open(more / "x.png"))).all()
    more.rename(tmp_path / "other")
    assert FolderTask(**given, unlabelled=tmp_path / "other").index().fingerprint == (
        found.fingerprint
    )


def test_unlabelled_folders_that_will_not_do(root, tmp_path):
    message = refused(csv(root), unlabelled=tmp_path / "none")
    assert "none does not exist; mend unlabelled=DIR" in message
    (tmp_path / "empty").mkdir()
    assert "no images in unlabelled=" in refused(csv(root), unlabelled=tmp_path / "empty")
