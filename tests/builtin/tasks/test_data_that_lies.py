"""Copies, groups, thumbnails, contradictions in folders and tables: said, kept apart, refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import DataError, TaskIndex, UsageError
from distbench_builtin.shared.images.drawing import drawn, drawn_whole
from distbench_builtin.shared.images.grouping import united
from distbench_builtin.tasks.folder import FolderTask
from distbench_builtin.tasks.images import ImagesTask


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))


def noise(file: Path, seed: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (4, 4, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    return file


def folder(root: Path, parts: dict[str, int], classes: str = "ab") -> Path:
    """Different images in each class of each part; a part "" is the folder itself."""
    seed = 0
    for part, count in parts.items():
        for klass in classes:
            for i in range(count):
                seed += 1
                noise(root / part / klass / f"{i:02d}.png", seed)
    return root


def copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, to)


def index(path: Path, **parameters: object) -> TaskIndex:
    return FolderTask.model_validate({"path": path, **parameters}).index()


def refused(path: Path, **parameters: object) -> str:
    with pytest.raises(DataError) as caught:
        index(path, **parameters)
    assert caught.value.exit_code == 3
    return str(caught.value)


# --- copies -------------------------------------------------------------------------------------


def test_copies_of_training_images_in_the_test_part_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4})
    copy(root / "train/a/03.png", root / "test/a/x.png")
    said = "1 of 9 test images are among the training or validation images too, byte for byte"
    pair = "(test/a/x.png is train/a/03.png)"
    message = refused(root)
    assert f"{said} {pair}" in message and "copies=allow" in message and str(root) in message
    allowed = index(root, copies="allow")
    assert allowed.notes == (f"{said} {pair}",)


def test_few_copies_are_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 20, "val": 20})
    clean = index(root)
    assert clean.notes == () and all(part.groups is None for part in clean.parts.values())
    copy(root / "train/a/03.png", root / "test/a/x.png")
    copy(root / "train/b/01.png", root / "val/b/x.png")
    notes = index(root).notes
    assert notes[0].startswith("1 of 41 test images are among the training or validation images")
    assert notes[1].startswith("1 of 41 validation images are among the training images too")


def test_copies_in_the_validation_part_are_refused_like_those_in_the_test_part(
    tmp_path: Path,
) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 20, "val": 3})
    copy(root / "train/b/01.png", root / "val/b/x.png")
    assert "1 of 7 validation images are among the training images too" in refused(root)
    assert len(index(root, copies="allow").notes) == 1


@pytest.mark.parametrize("part", ["train/a", "test/a", "val/a"])
@pytest.mark.parametrize("place", ["unlabelled", "train/unlabelled", "elsewhere"])
def test_unlabelled_copies_are_left_out_wherever_they_lie(
    tmp_path: Path, part: str, place: str
) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4, "val": 2})
    base = tmp_path if place == "elsewhere" else root
    noise(base / place / "new.png", 999)
    copy(root / part / "00.png", base / place / "x.png")
    more = {"unlabelled": base / place} if place == "elsewhere" else {}
    found = index(root, **more)
    assert found.notes == (
        "1 of 2 unlabelled images left out: they are among the other images, byte for byte",
    )
    assert len(found.parts["train"]) == 13


def test_a_table_leaves_unlabelled_copies_out_too(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4})
    names = sorted(f.relative_to(root).as_posix() for f in root.rglob("*.png"))
    lines = [f"{n},{n.split('/')[1]},{n.split('/')[0]}" for n in names]
    copy(root / "test/a/00.png", root / "x.png")
    (root / "t.csv").write_text("\n".join(["file,label,split", *lines, "x.png,,train"]))
    found = index(root, table=root / "t.csv")
    assert found.notes[0].startswith("1 of 1 unlabelled images left out")
    assert len(found.parts["train"]) == 12


@pytest.mark.parametrize("classes", ["ab", "a"])
@pytest.mark.parametrize("place", ["unlabelled", "elsewhere"])
def test_unlabelled_copies_change_nothing_of_a_drawn_part(
    tmp_path: Path, classes: str, place: str
) -> None:
    root = folder(tmp_path / "d", {"": 6})
    alone = index(root).parts
    base = tmp_path if place == "elsewhere" else root
    for klass in classes:
        for i in range(6):
            copy(root / klass / f"{i:02d}.png", base / place / f"{klass}{i}.png")
    drawn = index(root, **({"unlabelled": base / place} if place == "elsewhere" else {}))
    count = 6 * len(classes)
    assert {part: own.names for part, own in drawn.parts.items()} == {
        part: own.names for part, own in alone.items()
    }
    assert any(f"{count} of {count} unlabelled images left out" in note for note in drawn.notes)


def test_unlabelled_copies_of_a_table_change_nothing_of_a_drawn_part(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"": 6})
    names = sorted(f.relative_to(root).as_posix() for f in root.rglob("*.png"))
    lines = ["file,label", *(f"{n},{n[0]}" for n in names)]
    (root / "t.csv").write_text("\n".join(lines))
    alone = index(root, table=root / "t.csv").parts
    for name in names:
        copy(root / name, root / "more" / name)
    (root / "t.csv").write_text("\n".join([*lines, *(f"more/{n}," for n in names)]))
    drawn = index(root, table=root / "t.csv")
    assert list(drawn.parts["test"].names) == list(alone["test"].names)
    assert drawn.notes[0].startswith("12 of 12 unlabelled images left out")


def test_a_group_holds_further_unlabelled_images_too(tmp_path: Path) -> None:
    """What lies elsewhere is held to the same rule as what lies in the folder."""
    root = patients(tmp_path / "d")
    noise(tmp_path / "more" / "patient00_9.png", 999)
    drawn = index(root, group=r"(patient\d+)_", unlabelled=tmp_path / "more")
    assert not any("patient00_" in name for name in drawn.parts["test"].names)
    assert "unlabelled/patient00_9.png" in drawn.parts["train"].names


# --- twins --------------------------------------------------------------------------------------


def with_twins(root: Path, twin: str) -> Path:
    """Ten images of a class, each beside a smaller one."""
    folder(root, {"": 10})
    for klass in "ab":
        for i in range(10):
            noise(root / klass / twin.format(i=f"{i:02d}"), 1000 + ord(klass) * 10 + i)
    return root


@pytest.mark.parametrize("twin", ["{i}.bmp", "thumbs/{i}.png", "small/jpg/{i}.bmp"])
def test_images_called_alike_are_noted_and_stay_together(tmp_path: Path, twin: str) -> None:
    drawn = index(with_twins(tmp_path / "d", twin))
    one, other = sorted(["a/00.png", f"a/{twin.format(i='00')}"])
    (note,) = (note for note in drawn.notes if "called as another" in note)
    assert note.startswith("20 image(s)") and one in note and other in note
    stems = {
        part: {f"{n[0]}/{Path(n).stem}" for n in own.names} for part, own in drawn.parts.items()
    }
    assert not stems["train"] & stems["test"]
    assert len(drawn.parts["test"]) == 2 * len(stems["test"]) == 8


def test_folders_side_by_side_and_classes_may_use_the_same_names(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"": 6})
    for i in range(6):
        noise(root / "a" / "left" / f"n{i}.png", 100 + i)
        noise(root / "a" / "right" / f"n{i}.bmp", 200 + i)
    assert not any("called as another" in note for note in index(root).notes)


def test_twins_in_a_table_are_those_of_one_class(tmp_path: Path) -> None:
    root = tmp_path / "d"
    names = [f"{i}.{suffix}" for i in range(8) for suffix in ("bmp", "png")]
    for number, name in enumerate(names):
        noise(root / name, number)
    alike = [f"{name},{'ab'[int(name[0]) % 2]}" for name in names]
    (root / "t.csv").write_text("\n".join(["file,label", *alike]))
    assert "8 image(s) are called" in " ".join(index(root, table=root / "t.csv").notes)
    apart = [f"{name},{name[2]}" for name in names]
    (root / "t.csv").write_text("\n".join(["file,label", *apart]))
    assert "called as another" not in " ".join(index(root, table=root / "t.csv").notes)


def test_allowing_copies_changes_no_key(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 20})
    usual, allowed = FolderTask(path=root), FolderTask(path=root, copies="allow")
    assert usual.identity() == allowed.identity()
    assert usual.index().fingerprint == allowed.index().fingerprint
    assert "group" not in usual.identity()["params"]


@pytest.mark.parametrize("below", ["", "train"])
def test_copies_stay_in_one_part_of_a_made_split(tmp_path: Path, below: str) -> None:
    root = folder(tmp_path / "d", {below: 20})
    for klass in "ab":
        for i in range(20):
            copy(root / below / klass / f"{i:02d}.png", root / below / klass / f"{i:02d} copy.png")
    if below:
        for i, klass in enumerate("ab" * 10):
            noise(root / "val" / klass / f"{i}.png", 1000 + i)
        copy(root / below / "a/00.png", root / "val/a/x.png")
    found = index(root)
    content = {
        part: {(root / name).read_bytes() for name in own.names}
        for part, own in found.parts.items()
    }
    assert not content["train"] & content["test"]
    assert not content.get("validation", set()) & content["test"]
    assert np.bincount(found.parts["test"].labels).tolist() == [8, 8]
    train = found.parts["train"]
    assert train.groups is not None and len(set(train.groups.tolist())) == len(content["train"])
    assert any("32 of 64 training images are copies of others" in note for note in found.notes)


def test_groups_change_the_fingerprint_of_what_has_copies_alone(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4})
    plain = index(root)
    grouped = index(root, group=r"0(\d)\.png", copies="allow")
    assert grouped.fingerprint != plain.fingerprint
    assert [part.groups is None for part in plain.parts.values()] == [True, True]


def test_a_draw_without_groups_is_the_usual_one() -> None:
    lots = [f"name {i}" for i in range(57)]
    classes = [range(30), range(30, 56), range(56, 57)]
    for share in (0.2, 0.5, 0.01, 0.99):
        usual = {own[i] for own in classes for i in drawn([lots[p] for p in own], share)}
        assert drawn_whole(classes, lots, share, range(57)) == usual
        assert drawn_whole(classes, lots, share, range(57), {"none of these"}) == usual


def test_what_is_equal_or_in_one_group_is_united() -> None:
    digests = ["x", "y", "x", "z", "w", "v"]
    assert united(digests) == [0, 1, 0, 2, 3, 4]
    assert united(digests, [None, "p", "p", "q", "q", None]) == [0, 0, 0, 1, 1, 2]


# --- groups -------------------------------------------------------------------------------------


def patients(root: Path) -> Path:
    for p in range(12):
        for k in range(4):
            noise(root / "ab"[p % 2] / f"patient{p:02d}_{k}.png", 10 * p + k)
    return root


def test_a_pattern_keeps_the_images_of_a_patient_together(tmp_path: Path) -> None:
    root = patients(tmp_path / "d")
    found = index(root, group=r"(patient\d+)_")
    of = {part: {n[2:11] for n in own.names} for part, own in found.parts.items()}
    assert not of["train"] & of["test"]
    assert np.bincount(found.parts["test"].labels).tolist() == [4, 4]
    groups = found.parts["train"].groups
    assert groups is not None and len(set(groups.tolist())) == len(of["train"]) == 10


def test_a_column_of_a_table_names_groups(tmp_path: Path) -> None:
    root = patients(tmp_path / "d")
    names = sorted(f.relative_to(root).as_posix() for f in root.rglob("*.png"))
    lines = ["file,label,patient", *(f"{n},{n[0]},{n[2:11]}" for n in names)]
    (root / "t.csv").write_text("\n".join(lines))
    found = index(root, table=root / "t.csv", group="patient")
    of = {part: {n[2:11] for n in own.names} for part, own in found.parts.items()}
    assert not of["train"] & of["test"]
    message = refused(root, table=root / "t.csv", group="person")
    assert "no column (there are file, label, patient)" in message and "group=person" in message


@pytest.mark.parametrize("below", ["", "train"])
def test_a_folder_inside_a_class_is_a_group(tmp_path: Path, below: str) -> None:
    root = tmp_path / "d"
    for p in range(12):
        for k in range(4):
            noise(root / below / "ab"[p % 2] / f"p{p}" / f"{k % 2}" / f"{k}.png", 10 * p + k)
    if below:
        noise(root / "val/a/1.png", 500)
        noise(root / "val/b/1.png", 501)
    found = index(root, group="folder")
    at = 1 + bool(below)
    of = {part: {n.split("/")[at] for n in own.names} for part, own in found.parts.items()}
    assert not of["train"] & of["test"]


def test_groups_on_both_sides_of_given_parts_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for p in range(4):
        for k, part in enumerate(("train", "test")):
            noise(root / part / "ab"[p % 2] / f"patient{p:02d}_{k}.png", 10 * p + k)
    message = refused(root, group=r"(patient\d+)_")
    assert "4 of 4 test images belong to groups that have training or validation images" in message
    assert "are both of 'patient00'" in message
    assert index(root).notes == ()
    assert len(index(root, group=r"(patient\d+)_", copies="allow").notes) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("patient", "it has 0 groups in brackets"),
        ("(a)(b)", "it has 2 groups"),
        ("(a", "unterminated"),
        ("(xyz)", "gives no image of"),
    ],
)
def test_groups_that_cannot_be_found_are_explained(tmp_path: Path, given: str, words: str) -> None:
    message = refused(patients(tmp_path / "d"), group=given)
    assert words in message and f"group={given}" in message


@pytest.mark.parametrize(("one", "two"), [("P0", "p0"), ("P 0", "P_0"), ("1.0", "1"), ("01", "1")])
def test_two_spellings_of_a_group_are_questioned(tmp_path: Path, one: str, two: str) -> None:
    root = folder(tmp_path / "d", {"": 6})
    names = sorted(f.relative_to(root).as_posix() for f in root.rglob("*.png"))
    groups = [one, one, "x", "y", "z", two] * 2
    lines = [f"{n},{n[0]},{g}" for n, g in zip(names, groups, strict=True)]
    (root / "t.csv").write_text("\n".join(["file,label,patient", *lines]))
    message = refused(root, table=root / "t.csv", group="patient")
    assert f"the groups {one!r} (a/00.png) and {two!r} (a/05.png): are they one?" in message
    assert "group=patient" in message and "labels=keep" in message
    index(root, table=root / "t.csv", group="patient", labels="keep")


def test_two_spellings_in_file_names_are_questioned(tmp_path: Path) -> None:
    root = patients(tmp_path / "d")
    noise(root / "a/PATIENT00_9.png", 999)
    assert "are they one?" in refused(root, group=r"(?i)(patient\d+)_")


def test_one_group_is_no_two_parts(tmp_path: Path) -> None:
    message = refused(patients(tmp_path / "d"), group="(patient)")
    assert "no class of" in message and "two images that do not belong together" in message


def test_copies_takes_two_words(tmp_path: Path) -> None:
    from distbench.plugins.registry import registry

    with pytest.raises(UsageError, match="copies='yes' will not do: Input should be 'refuse'"):
        registry().make("task", f"folder:path={tmp_path},copies=yes")


# --- one image, two classes ---------------------------------------------------------------------


def test_one_image_in_two_classes_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 30, "test": 4})
    copy(root / "train/a/03.png", root / "train/b/x.png")
    said = "2 images lie in two classes or more, byte for byte (train/a/03.png is 'a', "
    assert index(root).notes[0].startswith(said)
    copy(root / "train/a/04.png", root / "train/b/y.png")
    message = refused(root)
    assert "4 images lie in two classes" in message and "copies=allow" in message
    assert len(index(root, copies="allow").notes) == 2


# --- what systems put beside images -------------------------------------------------------------


def test_thumbnails_are_no_images(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4})
    clean = index(root).fingerprint
    for seed, name in enumerate(
        (
            *("train/a/@eaDir/00.png/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/train/a/._00.png"),
            *("train/b/._00.png", "train/#recycle/x.png", "$RECYCLE.BIN/q/x.png"),
            *("train/lost+found/x.png", "test/a/.thumbnails/x.png", "test/a/.AppleDouble/x.png"),
        )
    ):
        noise(root / name, 900 + seed)
    found = index(root)
    assert found.classes == ("a", "b") and found.fingerprint == clean
    assert found.notes == (
        "8 image file(s) left out: thumbnails, deleted files or companions that a system made "
        "(@eaDir, __MACOSX, ._*)",
    )
    images = ImagesTask(path=root).index()
    assert len(images.parts["train"]) == 20 and images.notes == found.notes


def test_thumbnails_in_a_table_are_no_images(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"": 6})
    noise(root / "a/@eaDir/x.png", 900)
    names = sorted(f.relative_to(root).as_posix() for f in root.rglob("*.png"))
    (root / "t.csv").write_text("\n".join(["file,label", *(f"{n},{n[0]}" for n in names)]))
    found = index(root, table=root / "t.csv")
    assert sum(map(len, found.parts.values())) == 12
    assert found.notes[-1].startswith("1 image file(s) left out")


# --- 16 bits of which fewer hold something ------------------------------------------------------


def deep(root: Path, most: int, suffix: str = "png", count: int = 6) -> Path:
    """16-bit images in two classes, with values up to some."""
    for number, name in enumerate(f"{p}/{c}" for p in ("train", "test") for c in "ab"):
        for i in range(count):
            values = np.random.default_rng(100 * number + i).integers(0, most + 1, (4, 4))
            values[0, 0] = most
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint16)).save(root / name / f"{i}.{suffix}")
    return root


@pytest.mark.parametrize(("most", "bits"), [(255, 8), (1023, 10), (4095, 12), (16383, 14)])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_dim_images_are_refused_until_it_is_said(
    tmp_path: Path, most: int, bits: int, suffix: str
) -> None:
    root = deep(tmp_path / "d", most, suffix)
    for part in ("train", "test"):
        with pytest.raises(DataError, match=f"the largest is {most}.*bits={bits} or more") as found:
            FolderTask(path=root).read(part, [0])
        assert type(found.value) is DataError  # so that --skip-corrupt leaves nothing out
    task = FolderTask(path=root, bits=bits)
    assert task.read("test", [0])[0].max() == 255
    assert task.read("test", [0])[0].min() < 128
    dark = FolderTask(path=root, bits=16)
    assert dark.read("test", [0])[0].max() == most >> 8
    assert (
        task.index().notes[0].startswith(f"16-bit images are read as {bits}-bit ones (bits={bits})")
    )
    assert ImagesTask(path=root, bits=bits).read("train", [0])[0].max() == 255
    with pytest.raises(DataError, match="bits="):
        ImagesTask(path=root).read("train", [0])


@pytest.mark.parametrize("kind", [FolderTask, ImagesTask])
@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_dim_images_are_refused_before_a_run_begins(
    tmp_path: Path, kind: type[FolderTask | ImagesTask], suffix: str
) -> None:
    root = deep(tmp_path / "d", 1023, suffix)
    with pytest.raises(DataError, match=r"a sample of them holds no value above .*bits=10 or"):
        kind(path=root).index()
    assert len(kind(path=root, bits=10).index().parts["train"])


@pytest.mark.parametrize("kind", [FolderTask, ImagesTask])
def test_other_bits_are_other_images(tmp_path: Path, kind: type[FolderTask | ImagesTask]) -> None:
    root = deep(tmp_path / "d", 65535)
    known = [kind(path=root, bits=bits).index().fingerprint for bits in (None, 10, 12, 16)]
    assert len(set(known)) == 4


def test_one_dark_image_among_others_is_read_as_before(tmp_path: Path) -> None:
    root = deep(tmp_path / "d", 65535)
    Image.fromarray(np.full((4, 4), 700, np.uint16)).save(root / "test/a/0.png")
    task = FolderTask(path=root)
    assert task.read("test", [0])[0].max() == 2
    assert task.read("test", [1])[0].max() == 255
    assert "bits" not in task.identity()["params"]
    assert "bits" not in ImagesTask(path=root).identity()["params"]


def test_values_above_the_bits_are_named(tmp_path: Path) -> None:
    task = FolderTask(path=deep(tmp_path / "d", 5000), bits=12)
    with pytest.raises(DataError, match=r"'test/a/0.png' of .* holds the value 5000.*bits=13 or"):
        task.read("test", [0])


def test_black_images_and_images_of_8_bits_need_no_word(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"train": 6, "test": 4})
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(root / "test/a/00.png")
    assert FolderTask(path=root).read("test", [0])[0].max() == 0


# --- labels of tables ---------------------------------------------------------------------------


def table(root: Path, labels: list[str]) -> Path:
    """A table of images with labels, from line 2 on."""
    lines = ["file,label"]
    for i, label in enumerate(labels):
        noise(root / f"{i}.png", i)
        lines.append(f"{i}.png,{label}")
    (root / "t.csv").write_text("\n".join(lines))
    return root


@pytest.mark.parametrize("label", ["-1", "nan", "None", "null", "?", "N/A"])
def test_a_label_that_means_none_is_questioned(tmp_path: Path, label: str) -> None:
    root = table(tmp_path / "d", ["a", "b"] * 4 + [label, label])
    message = refused(root, table=root / "t.csv")
    assert f"line 10 of {root}/t.csv has the label {label!r} in column 'label'" in message
    assert "empty" in message and "labels=keep" in message
    assert len(index(root, table=root / "t.csv", labels="keep").classes) == 3
    empty = table(tmp_path / "e", ["a", "b"] * 4 + ["", ""])
    assert index(empty, table=empty / "t.csv").classes == ("a", "b")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        *(("1", "1.0"), ("01", "1"), ("1", "1e0"), ("0.5", ".50"), ("-0", "0"), ("\u0663", "3")),
        *(("Cat", "cat"), ("big cat", "big  cat")),
    ],
)
def test_two_spellings_of_a_label_are_questioned(tmp_path: Path, one: str, two: str) -> None:
    root = table(tmp_path / "d", [one, "b"] * 4 + [two, two])
    message = refused(root, table=root / "t.csv")
    assert f"has {one!r} (line 2) and {two!r} (line 10): are they one class?" in message
    kept = FolderTask(path=root, table=root / "t.csv", labels="keep")
    assert len(kept.index().classes) == 3 and "labels" not in kept.identity()["params"]


def test_blanks_around_a_label_are_none_of_it(tmp_path: Path) -> None:
    root = table(tmp_path / "d", ["cat", "1.5", "01"] * 4 + ["cat ", " 1.5", "01 "])
    assert index(root, table=root / "t.csv").classes == ("01", "1.5", "cat")


@pytest.mark.parametrize(
    "labels",
    [
        [f"{number:02d}" for number in range(12)],
        ["9007199254740992", "9007199254740993"],  # one double, two numbers
        ["1_0", "10"],
        ["1e", "1", "e1", "inf", "infinity"],
    ],
)
def test_codes_and_other_numbers_are_no_spellings(tmp_path: Path, labels: list[str]) -> None:
    root = table(tmp_path / "d", labels * 3)
    assert index(root, table=root / "t.csv").classes == tuple(sorted(labels))


@pytest.mark.parametrize(
    ("one", "two"), [("Cat", "cat"), ("tabby_cat", "tabby cat"), ("1e0", "1"), ("c\u200bat", "cat")]
)
def test_two_spellings_of_a_class_folder_are_questioned(tmp_path: Path, one: str, two: str) -> None:
    for number, name in enumerate((one, two, "dog")):
        for i in range(5):
            noise(tmp_path / "d" / name / f"{i}.png", 10 * number + i)
    assert "are they one class?" in refused(tmp_path / "d")
    assert len(index(tmp_path / "d", labels="keep").classes) == 3


def test_a_pattern_is_of_file_names_and_not_of_folders(tmp_path: Path) -> None:
    """So that one patient in two classes or parts is one group."""
    seed = 0
    for part, numbers in (("train", (0, 1, 2)), ("test", (3,))):
        for klass in "ab":
            for patient in range(4):
                for i in numbers:
                    seed += 1
                    noise(tmp_path / "d" / part / klass / f"p{patient}_{i}{klass}.png", seed)
    message = refused(tmp_path / "d", group=r"(.*)_\d")
    assert "8 of 8 test images" in message
