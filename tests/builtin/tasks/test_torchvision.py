"""Data sets of torchvision in the forms of their archives, and archives that are unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from distbench import DataError, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.shared.downloads.archive import Archive, Piece
from distbench_builtin.shared.downloads.first_of import first_of
from distbench_builtin.shared.images import torchvision_sets as _torchvision_data
from distbench_builtin.tasks.torchvision import TorchvisionTask

Draw = Callable[..., bytes]


def make(text: str) -> TorchvisionTask:
    made = registry().make("task", text)
    assert isinstance(made, TorchvisionTask)
    return made


def put(file: Path, data: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data if isinstance(data, bytes) else data.encode())


def eurosat(root: Path, draw: Draw, count: int = 10) -> None:
    for shade, name in enumerate(("AnnualCrop", "Forest")):
        for i in range(1, count + 1):
            put(
                root / "eurosat" / "2750" / name / f"{name}_{i}.jpg",
                draw(shade * 99, kind="JPEG", mark=(name, i)),
            )


def pets(root: Path, draw: Draw) -> None:
    base = root / "oxford-iiit-pet"
    for split, numbers in (("trainval", (1, 2, 3)), ("test", (4,))):
        lines = []
        for number in numbers:
            for label, name in ((1, "Abyssinian"), (2, "american_bulldog")):
                put(base / "images" / f"{name}_{number}.jpg", draw(label, kind="JPEG"))
                lines.append(f"{name}_{number} {label} 1 1")
        put(base / "annotations" / f"{split}.txt", "\n".join(lines))


def food(root: Path, draw: Draw) -> None:
    for split in ("train", "test"):
        listed = {name: [f"{name}/{split}{i}" for i in range(2)] for name in ("pie", "soup")}
        put(root / "food-101" / "meta" / f"{split}.json", json.dumps(listed))
        for path in (p for paths in listed.values() for p in paths):
            put(root / "food-101" / "images" / f"{path}.jpg", draw(7, kind="JPEG"))


def aircraft(root: Path, draw: Draw) -> None:
    data = root / "fgvc-aircraft-2013b" / "data"
    put(data / "variants.txt", "707-320\nA 330\n")
    for split in ("train", "val", "test"):
        put(data / f"images_variant_{split}.txt", f"{split}1 707-320\n{split}2 A 330\n")
        for i in (1, 2):
            put(data / "images" / f"{split}{i}.jpg", draw(i, kind="JPEG"))


def caltech(root: Path, draw: Draw) -> None:
    base = root / "caltech101" / "101_ObjectCategories"
    put(base / "BACKGROUND_Google" / "image_0001.jpg", draw(0, kind="JPEG"))
    for name in ("ant", "zebra"):
        for i in range(1, 6):
            put(base / name / f"image_{i:04d}.jpg", draw(i, kind="JPEG"))


@pytest.mark.usefixtures("cut_off")
@pytest.mark.parametrize(
    ("name", "build", "classes", "counts"),
    [
        ("EuroSAT", eurosat, ("AnnualCrop", "Forest"), {"train": 16, "test": 4}),
        ("OxfordIIITPet", pets, ("Abyssinian", "American Bulldog"), {"train": 6, "test": 2}),
        ("Food101", food, ("pie", "soup"), {"train": 4, "test": 4}),
        ("FGVCAircraft", aircraft, ("707-320", "A 330"), {"train": 2, "test": 2, "validation": 2}),
        ("Caltech101", caltech, ("ant", "zebra"), {"train": 8, "test": 2}),
    ],
)
def test_sets_are_read_without_being_fetched(
    name: str,
    build: Callable[[Path, Draw], None],
    classes: tuple[str, ...],
    counts: dict[str, int],
    draw: Draw,
    tmp_path: Path,
) -> None:
    build(tmp_path / "root", draw)
    task = make(f"torchvision:name={name},path={tmp_path / 'root'}")
    index = task.index()
    assert index.classes == classes
    assert {part: len(p) for part, p in index.parts.items()} == counts
    for part, count in counts.items():
        assert {image.shape for image in task.read(part, range(count))} == {(6, 8, 3)}
    assert make(task.label).index().fingerprint == index.fingerprint
    assert task.downloads() == []
    changed = next((tmp_path / "root").rglob("*.jpg"))
    changed.write_bytes(draw(200, kind="JPEG"))
    if name != "Caltech101":  # there the first one found may be of no class, but counts as well
        assert make(task.label).index().fingerprint != index.fingerprint


def test_copies_stay_on_one_side_of_a_split_that_is_made(tmp_path: Path, draw: Draw) -> None:
    eurosat(tmp_path / "root", draw)
    plain = make(f"torchvision:EuroSAT:path={tmp_path / 'root'}").index()
    assert len(plain.notes) == 1 and plain.parts["train"].groups is None
    place = tmp_path / "root/eurosat/2750/Forest"
    for i in range(1, 11):
        put(place / f"Forest_{i + 10}.jpg", (place / f"Forest_{i}.jpg").read_bytes())
    index = make(f"torchvision:EuroSAT:path={tmp_path / 'root'}").index()
    content = {
        part: {(tmp_path / "root" / name).read_bytes() for name in own.names}
        for part, own in index.parts.items()
    }
    assert not content["train"] & content["test"] and index.parts["train"].groups is not None
    assert "training images are copies of others" in index.notes[1]


@pytest.mark.usefixtures("cut_off")
def test_sets_that_are_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision

    place = tmp_path / "home" / "data" / "torchvision" / "CIFAR10"
    base = place / "cifar-10-batches-py"
    base.mkdir(parents=True)
    lists: dict[str, list[list[str]]] = {"train_list": [], "test_list": []}
    for kind, name in (("train_list", "data_batch_1"), ("test_list", "test_batch")):
        data = np.repeat(np.arange(4, dtype=np.uint8)[:, None], 3072, axis=1)
        raw = pickle.dumps({"data": data, "labels": [0, 1, 0, 1]})
        (base / name).write_bytes(raw)
        lists[kind].append([name, hashlib.md5(raw).hexdigest()])
    raw = pickle.dumps({"label_names": ["airplane", "automobile"]})
    (base / "batches.meta").write_bytes(raw)
    for kind, found in lists.items():
        monkeypatch.setattr(torchvision.datasets.CIFAR10, kind, found)
    meta = {**torchvision.datasets.CIFAR10.meta, "md5": hashlib.md5(raw).hexdigest()}
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "meta", meta)
    task = make("torchvision:cifar10")
    assert task.label == "torchvision:CIFAR10"
    assert registry().make("task", {"use": "torchvision", **task.model_dump()}) == task
    assert task.identity()["params"]["name"] == "CIFAR10"
    index = task.index()
    assert index.classes == ("airplane", "automobile")
    assert index.parts["test"].labels.tolist() == [0, 1, 0, 1]
    assert index.parts["test"].names[1] == "test-000001"
    assert index.notes[0].startswith("4 of 4 test images are among the training or validation")
    assert [int(i.mean()) for i in task.read("train", [3, 1])] == [3, 1]


@pytest.mark.usefixtures("cut_off")
def test_what_is_absent_or_incomplete(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(
        DataError,
        match="torchvision's Food101 is not on this machine; get it with `distbench fetch --task "
        "torchvision:Food101`",
    ):
        make("torchvision:name=Food101").index()
    (tmp_path / "root").mkdir()
    with pytest.raises(DataError, match=r"torchvision cannot read Food101 in .*root: Dataset not"):
        make(f"torchvision:Food101:path={tmp_path / 'root'}").index()
    with pytest.raises(DataError, match=r"the folder .*none does not exist; mend path=DIR"):
        make(f"torchvision:Food101:path={tmp_path / 'none'}").index()
    with pytest.raises(UsageError, match=r"not among CIFAR10, .*. Did you mean .Flowers102.\?"):
        make("torchvision:Flower102")


def test_every_set_is_a_class_of_torchvision() -> None:
    import inspect

    import torchvision

    for name, known in _torchvision_data.SETS.items():
        cls = getattr(torchvision.datasets, name)
        taken = set(inspect.signature(cls.__init__).parameters)
        for arguments in known.splits.values():
            assert name == "ImageNet" or taken >= {*arguments, *known.arguments}, name
        source = inspect.getsource(inspect.getmodule(cls))
        pieces = _torchvision_data.archive(name).pieces
        for piece in pieces:
            assert (piece.digest or "md5:").removeprefix("md5:") in source, piece
            assert piece.file in source
        assert pieces or known.by_hand


def tgz(file: Path, content: dict[str, bytes]) -> str:
    with tarfile.open(file, "w:gz") as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return "md5:" + hashlib.md5(file.read_bytes()).hexdigest()


def test_archives_are_checked_and_unpacked(tmp_path: Path, draw: Draw) -> None:
    inner = tmp_path / "101_ObjectCategories.tar.gz"
    tgz(inner, {"101_ObjectCategories/ant/image_0001.jpg": draw(1)})
    outer = tmp_path / "caltech-101.zip"
    with zipfile.ZipFile(outer, "w") as made:
        made.write(inner, "caltech-101/101_ObjectCategories.tar.gz")
        made.writestr("__MACOSX/caltech-101/._101_ObjectCategories.tar.gz", b"no archive")
    plain = tmp_path / "labels.mat"
    plain.write_bytes(b"labels")
    md5 = "md5:" + hashlib.md5(outer.read_bytes()).hexdigest()
    place = tmp_path / "home" / "data" / "x"
    archive = Archive(
        "an archive",
        place,
        (Piece(outer.as_uri(), md5, folder="in"), Piece(plain.as_uri(), size=6)),
        renamed=(("in/101_ObjectCategories", "in/renamed"),),
    )
    assert not archive.present()
    assert archive.missing_bytes() is None  # one size is not known
    (place.parent / "x.unpacking" / "left").mkdir(parents=True)  # of an attempt that was cut off
    told: list[int] = []
    archive.fetch(told.append)
    assert sum(told) == outer.stat().st_size + 6
    assert archive.present()
    found = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
    assert [f for f in found if "MACOSX" not in f] == [
        "in/renamed/ant/image_0001.jpg",
        "labels.mat",
    ]
    assert [p.name for p in place.parent.iterdir()] == ["x"]


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "bad.tar.gz"
    tgz(file, {"../../outside": b"x"})
    archive = Archive("a bad archive", tmp_path / "data" / "x", (Piece(file.as_uri()),))
    with pytest.raises(DataError, match=r"cannot unpack .*bad.tar.gz.*outside the destination"):
        archive.fetch(lambda count: None)
    assert not archive.present()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tgz", "a.gz"])
@pytest.mark.parametrize("whole", [b"<html>log in</html>", b"", b"\x1f\x8b\x08\x00" + b"\xff" * 50])
def test_what_is_no_archive_is_thrown_away(tmp_path: Path, name: str, whole: bytes) -> None:
    """So that fetching again asks the server again."""
    file = tmp_path / name
    file.write_bytes(whole)
    archive = Archive("an archive", tmp_path / "data" / "x", (Piece(file.as_uri()),))
    if name == "a.gz" and not whole:
        return  # an empty file is an empty one compressed
    with pytest.raises(DataError, match=r"cannot unpack .*; it was thrown away, fetch again"):
        archive.fetch(lambda count: None)
    assert not archive.present()
    assert not any(p.is_file() for p in (tmp_path / "data").rglob("*") if name in p.name)
    assert archive.missing_bytes() is None


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    tgz(file, {"a": b"x"})
    archive = Archive("an archive", tmp_path / "data" / "x", (Piece(file.as_uri(), "md5:0"),))
    with pytest.raises(DataError, match=r"cannot get an archive: .* has md5 .* instead of 0"):
        archive.fetch(lambda count: None)


def test_what_is_fetched_by_hand_is_checked_and_unpacked(tmp_path: Path) -> None:
    place = tmp_path / "data" / "birds"
    made = tmp_path / "birds.tar.gz"
    md5 = tgz(made, {"birds/images.txt": b"1 a.jpg"})
    archive = Archive("birds", place, (Piece(None, md5, "birds.tar.gz"),), "ask there", 99)
    assert archive.missing_bytes() == 99
    with pytest.raises(DataError, match="birds has to be fetched by hand: ask there"):
        archive.fetch(lambda count: None)
    put(place.parent / "birds.tar.gz", b"half of it")
    with pytest.raises(DataError, match=r"birds.tar.gz has md5 .* instead of .*: it is not whole"):
        archive.fetch(lambda count: None)
    made.replace(place.parent / "birds.tar.gz")
    assert archive.missing_bytes() == 0
    archive.fetch(lambda count: None)
    assert (place / "birds" / "images.txt").read_text() == "1 a.jpg"
    assert (place.parent / "birds.tar.gz").is_file()  # it is the user's
    nothing = Archive("x-rays", tmp_path / "data" / "y", (), "get them there")
    with pytest.raises(DataError, match="x-rays has to be fetched by hand: get them there"):
        nothing.fetch(lambda count: None)


def test_the_next_place_is_tried(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.tar.gz"
    md5 = tgz(file, {"a": b"x"})
    dead = Archive("the first", tmp_path / "d" / "1", (Piece((tmp_path / "no").as_uri()),))
    good = Archive("the second", tmp_path / "d" / "2", (Piece(file.as_uri(), md5),))
    both = first_of("it", [dead, good])
    assert not both.present()
    both.fetch(lambda count: None)
    assert [p.present() for p in (dead, good, both)] == [False, True, True]
    assert "cannot get the first" in caplog.text
    assert "trying the second" in caplog.text
    with pytest.raises(DataError, match=r"cannot get the first: .*; cannot get the third: "):
        third = Archive("the third", tmp_path / "d" / "3", (Piece((tmp_path / "none").as_uri()),))
        first_of("it", [dead, third]).fetch(lambda count: None)
    assert first_of("it", [good]) is good
