"""Image folders: layouts, the made split, fingerprints, errors and decoding."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import (
    HEIF_SUFFIXES,
    IMAGE_SUFFIXES,
    UNLABELLED,
    CorruptImageError,
    DataError,
)
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.tasks.folder import FolderTask

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
OLD = 1_600_000_000


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_digests, "_known", {})


def put(root: Path, *names: str) -> Path:
    """Small images, each of another colour, not touched for a long time."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(hashlib.sha256(name.encode()).digest()[:3])
        Image.new("RGB", (4, 3), colour).save(file, "PNG")
        os.utime(file, (OLD, OLD))
    return root


def classes(names: str, count: int, below: str = "") -> list[str]:
    return [f"{below}{name}/{i}.png" for name in names.split() for i in range(count)]


def index(root: Path, **parameters):
    return FolderTask(path=root, **parameters).index()


def refused(root: Path, **parameters) -> str:
    with pytest.raises(DataError) as caught:
        index(root, **parameters)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- layouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "val"),
    [("train", "test", "val"), ("Training", "TESTING", "valid"), ("train", "test", "validation")],
)
def test_parts_of_a_divided_folder(tmp_path, train, test, val):
    put(tmp_path / "d", *classes("cat dog", 2, f"{train}/"), *classes("dog cat", 1, f"{test}/"))
    put(tmp_path / "d", f"{val}/dog/deep/er/x.JPG")
    found = index(tmp_path / "d")
    assert found.classes == ("cat", "dog")
    assert found.parts["train"].labels.tolist() == [0, 0, 1, 1]
    assert found.parts["train"].labels.dtype == np.int64
    assert found.parts["train"].names[0] == f"{train}/cat/0.png"
    assert found.parts["test"].labels.tolist() == [0, 1]
    assert found.parts["validation"].names == (f"{val}/dog/deep/er/x.JPG",)
    assert found.notes == ()


def test_made_split_is_stratified_and_fixed(tmp_path):
    put(tmp_path / "d", *classes("a b", 10), *classes("c", 2), "d/only.png")
    found = index(tmp_path / "d")
    test = found.parts["test"]
    assert np.bincount(test.labels, minlength=4).tolist() == [2, 2, 1, 0]
    assert np.bincount(found.parts["train"].labels).tolist() == [8, 8, 1, 1]
    # Fixed for good: a machine or version that draws others would not be comparable.
    assert test.names == ("a/0.png", "a/8.png", "b/0.png", "b/3.png", "c/1.png")
    assert found.notes == (
        "test part made by distbench: 5 of 23 images, about 0.2 of each class, fixed by their "
        "file names",
        "no test images of d",
    )
    half = index(tmp_path / "d", test=0.5)
    assert np.bincount(half.parts["test"].labels, minlength=4).tolist() == [5, 5, 1, 0]
    assert half.fingerprint != found.fingerprint


def test_train_and_validation_without_test(tmp_path):
    put(tmp_path / "d", *classes("a b", 10, "train/"), *classes("a b", 3, "val/"))
    put(tmp_path / "flat", *classes("a b", 10))
    found = index(tmp_path / "d")
    assert {part: len(rows) for part, rows in found.parts.items()} == {
        "train": 16,
        "test": 4,
        "validation": 6,
    }
    drawn = [name.removeprefix("train/") for name in found.parts["test"].names]
    assert drawn == list(index(tmp_path / "flat").parts["test"].names)


@pytest.mark.parametrize("below", ["unlabelled/", "train/Unlabeled/"])
def test_unlabelled_images_follow_the_labelled_ones(tmp_path, below):
    put(tmp_path / "d", *classes("z b", 2, "train/"), *classes("b z", 1, "test/"))
    put(tmp_path / "d", f"{below}x/1.png", f"{below}0.png")
    train = index(tmp_path / "d").parts["train"]
    assert train.labels.tolist() == [0, 0, 1, 1, UNLABELLED, UNLABELLED]
    assert train.names[-2:] == (f"{below}0.png", f"{below}x/1.png")


def test_unlabelled_beside_classes_is_no_class(tmp_path):
    put(tmp_path / "d", *classes("a b", 5), "unlabelled/x.png")
    found = index(tmp_path / "d")
    assert found.classes == ("a", "b")
    assert found.parts["train"].labels.tolist() == [0] * 4 + [1] * 4 + [UNLABELLED]


def test_a_class_may_be_called_train(tmp_path):
    put(tmp_path / "d", *classes("train car", 5))
    assert index(tmp_path / "d").classes == ("car", "train")


def test_what_is_ignored_is_said(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("a b", 1, "test/"))
    put(root, "train/loose.png", "extra/x.png", "train/a/.hidden.png", ".git/x/y.png")
    (root / "train" / "a" / "Thumbs.db").write_text("x")
    assert index(root).notes == (
        "2 file(s) ignored, no images by their suffix: 1 .db, 1 hidden",
        "1 image(s) ignored: in no class folder",
        "folder 'extra' ignored (1 images): neither a part nor 'unlabelled'",
    )


def test_photographs_of_phones_are_named(tmp_path, monkeypatch):
    tree = "distbench_builtin.shared.images.folder_tree"
    monkeypatch.setattr(f"{tree}.IMAGE_SUFFIXES", IMAGE_SUFFIXES - HEIF_SUFFIXES)
    root = put(tmp_path / "d", *classes("a b", 5))
    (root / "a" / "IMG_1.HEIC").write_text("x")
    (note,) = (text for text in index(root).notes if "ignored" in text)
    assert "1 .heic; HEIC and HEIF images are read once pillow-heif is installed" in note


def test_photographs_of_phones_are_read_where_they_can_be(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif")
    root = put(tmp_path / "d", *classes("a b", 5))
    heif.from_pillow(Image.new("RGB", (40, 30), (200, 30, 30))).save(root / "a" / "IMG_1.HEIC")
    found = FolderTask(path=root, test=0.5)
    ((part, place),) = (
        (part, number)
        for part, images in found.index().parts.items()
        for number, name in enumerate(images.names)
        if "IMG" in name
    )
    (pixels,) = found.read(part, [place])
    assert np.abs(pixels.mean((0, 1)) - (200, 30, 30)).max() < 6


def test_folders_that_look_like_domains_are_named(tmp_path):
    names = [f"{d}/{c}/{i}.png" for d in ("indoor", "outdoor") for c in "ab" for i in range(3)]
    root = put(tmp_path / "d", *names)
    (note,) = (text for text in index(root).notes if "domains" in text)
    assert note.startswith("each of the classes indoor, outdoor holds folders a, b")
    put(root, "outside/x.png", "outside/y.png")
    assert not any("domains" in text for text in index(root).notes)


def test_a_validation_folder_is_used_as_such_and_said(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 5, "train/"), *classes("a b", 3, "val/"))
    assert any(
        text.startswith("the 6 validation images of the folder choose")
        for text in index(root).notes
    )


def test_order_is_that_of_bytes(tmp_path):
    put(tmp_path / "d", "b/10.png", "b/9.png", "C/1.png", "a/x.png", "é/x.png")
    put(tmp_path / "d", *classes("b C a é", 1, "../d/test/"))
    shutil.move(tmp_path / "d" / "test", tmp_path / "test")
    put(tmp_path, *("train/" + str(p.relative_to(tmp_path / "d")) for p in tmp_path.glob("d/*/*")))
    shutil.rmtree(tmp_path / "d")
    found = index(tmp_path)
    assert found.classes == ("C", "a", "b", "é")
    assert found.parts["train"].names == (
        "train/C/1.png",
        "train/a/x.png",
        "train/b/10.png",
        "train/b/9.png",
        "train/é/x.png",
    )


def test_links_are_followed_but_not_in_circles(tmp_path):
    real = put(tmp_path / "real", *classes("x", 3))
    root = put(tmp_path / "d", *classes("a", 2))
    (root / "b").symlink_to(real / "x")
    (root / "a" / "self").symlink_to(root / "a")
    found = index(root)
    assert found.classes == ("a", "b")
    assert sum(len(part) for part in found.parts.values()) == 5


# --- what is refused ----------------------------------------------------------------------------


def test_paths_that_are_no_folder(tmp_path):
    assert refused(tmp_path / "none").endswith("none does not exist; mend path=DIR")
    (tmp_path / "f.png").write_text("x")
    assert "f.png is a file, not a folder" in refused(tmp_path / "f.png")


def test_no_images(tmp_path):
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "a" / "x.txt").write_text("x")
    assert "no images in" in refused(tmp_path / "d")
    put(tmp_path / "e", "x.png")
    assert "in no class folder; sort them into CLASS/" in refused(tmp_path / "e")


def test_one_class(tmp_path):
    put(tmp_path / "d", *classes("cats", 4))
    message = refused(tmp_path / "d")
    assert "a folder with one class ('cats')" in message
    put(tmp_path / "e", *classes("a b", 4, "wrapped/"))
    hint = f"If 'wrapped' holds the classes, give path={tmp_path / 'e' / 'wrapped'}."
    assert hint in refused(tmp_path / "e")


def test_folder_of_divided_folders(tmp_path):
    put(tmp_path / "d", *classes("a b", 2, "one/train/"), *classes("a b", 2, "one/test/"))
    put(tmp_path / "d", *classes("a b", 2, "two/train/"))
    assert "one is divided into parts itself; give its path instead" in refused(tmp_path / "d")
    deep = put(tmp_path / "deep", "tools/x.png", *classes("a b", 2, "tries/set/train/"))
    assert index(deep).classes == ("tools", "tries"), "a folder may be called so"
    put(deep, *classes("a b", 2, "tries/set/val/"))
    assert f"{deep / 'tries' / 'set'} is divided into parts itself" in refused(deep)


def test_classes_without_training_images(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("a b", 1, "test/"))
    (root / "train" / "c").mkdir()
    assert "class 'c'" in refused(root)
    assert "has no training images; add some or remove the folder" in refused(root)
    put(root, "test/c/0.png")
    assert "class 'c'" in refused(root)
    assert "has test images but no training images" in refused(root)
    (root / "train" / "c").rmdir()
    assert "has test images but no training images" in refused(root)


def test_flat_parts(tmp_path):
    put(tmp_path / "d", "train/1.png", "test/2.png")
    assert "lie in no class folder: sort them into test/CLASS/" in refused(tmp_path / "d")
    put(tmp_path / "e", *classes("a b", 2, "train/"), "test/1.png")
    assert "or rename the folder ('unlabelled'" in refused(tmp_path / "e")
    put(tmp_path / "f", *classes("cat dog", 2), "test/1.png")
    assert "sort them into test/CLASS/" in refused(tmp_path / "f")


def test_parts_that_do_not_go_together(tmp_path):
    put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("a b", 2, "training/"))
    assert "has both 'train' and 'training'; keep one for train images" in refused(tmp_path / "d")
    put(tmp_path / "e", *classes("a b", 2, "test/"))
    assert "has a folder 'test' but none named 'train'" in refused(tmp_path / "e")
    put(tmp_path / "f", *classes("a b", 2, "train/"))
    (tmp_path / "f" / "test").mkdir()
    assert "the test folder of" in refused(tmp_path / "f")


def test_single_images_make_no_test_part(tmp_path):
    put(tmp_path / "d", *classes("a b", 1))
    assert "no class of" in refused(tmp_path / "d")


def test_broken_link_is_named(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 2))
    (root / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert "gone.png is a link to a file that is not there" in refused(root)


def test_unreadable_folder_and_file(tmp_path, monkeypatch):
    root = put(tmp_path / "d", *classes("a b", 2))

    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", forbidden)
        assert f"cannot read the folder {root}: Permission denied" in refused(root)
    with monkeypatch.context() as patch:
        patch.setattr(_digests, "_settled_digest", forbidden)
        assert "0.png: Permission denied; mend or remove it" in refused(root)


@pytest.mark.parametrize("share", ["0", "1", "nan", "-0.5"])
def test_share_of_the_made_split_is_checked(share):
    with pytest.raises(Exception, match="test="):
        registry().make("task", f"folder:path=x,test={share}")


def test_registered_with_its_parameters(tmp_path):
    task = registry().make("task", "folder:path=birds,test=0.3,seen_by=a+b", base=tmp_path)
    assert isinstance(task, FolderTask)
    assert (task.path, task.test, task.seen_by) == (tmp_path / "birds", 0.3, ("a", "b"))
    assert task.identity()["params"] == {"test": 0.3, "seen_by": ("a", "b")}


# --- fingerprints -------------------------------------------------------------------------------


def test_fingerprint_follows_content_and_nothing_else(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 5))
    first = index(root).fingerprint
    moved = shutil.copytree(root, tmp_path / "elsewhere" / "e")
    assert index(moved).fingerprint == first
    os.utime(root / "a" / "0.png")
    assert index(root).fingerprint == first
    Image.new("RGB", (4, 3), "red").save(root / "a" / "0.png")
    assert index(root).fingerprint != first
    shutil.copy(moved / "a" / "0.png", root / "a" / "0.png")
    assert index(root).fingerprint == first
    (moved / "a" / "0.png").rename(moved / "b" / "7.png")
    assert index(moved).fingerprint != first


def test_planning_again_reads_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_digests, "_SETTLED", 0)
    root = put(tmp_path / "d", *classes("a b", 5))
    first = index(root).fingerprint
    stores = list((tmp_path / "home" / "fingerprints").glob("*.sqlite"))
    assert len(stores) == 1

    read = []
    real = _digests._settled_digest
    monkeypatch.setattr(_digests, "_settled_digest", lambda f: read.append(Path(f).name) or real(f))
    assert index(root).fingerprint == first
    assert index(root).fingerprint == first
    assert read == []
    put(root, "a/new.png")
    index(root)
    assert read == ["new.png"]
    stores[0].write_text("{ broken")
    index(root)
    assert len(read) == 1 + 11


def test_a_file_written_just_now_is_read_again(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 2))
    file = root / "a" / "0.png"
    data = file.read_bytes()
    file.write_bytes(data)
    written = file.stat().st_mtime_ns
    first = index(root).fingerprint
    file.write_bytes(data[:-1] + b"x")
    os.utime(file, ns=(written, written))
    assert index(root).fingerprint != first


# --- decoding -----------------------------------------------------------------------------------


def decoded(tmp_path: Path, image: Image.Image, suffix: str = "png", **options) -> np.ndarray:
    root = put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("b", 1, "test/"))
    for old in (root / "test").glob("a/*"):
        old.unlink()
    (root / "test" / "a").mkdir(exist_ok=True)
    image.save(root / "test" / "a" / f"x.{suffix}", **options)
    (pixels,) = FolderTask(path=root).read("test", [0])
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.flags.writeable
    return pixels


def test_rgb_keeps_its_size(tmp_path):
    values = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    assert (decoded(tmp_path, Image.fromarray(values)) == values).all()


def test_grey_and_bilevel(tmp_path):
    grey = np.array([[0, 100, 255]], np.uint8)
    assert decoded(tmp_path, Image.fromarray(grey))[0, :, 1].tolist() == [0, 100, 255]
    bits = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    assert decoded(tmp_path, bits)[0, :, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("suffix", ["png", "tiff", "ppm"])
def test_sixteen_bits_keep_the_upper_byte(tmp_path, suffix):
    deep = np.array([[0, 0x7FFF, 0x8000, 0xFFFF]], np.uint16)
    pixels = decoded(tmp_path, Image.fromarray(deep), suffix)
    assert pixels[0, :, 2].tolist() == [0, 127, 128, 255]


def test_transparency_becomes_white(tmp_path):
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 127]]], np.uint8)
    pixels = decoded(tmp_path, Image.fromarray(rgba))
    assert pixels[0].tolist() == [[255, 0, 0], [255, 255, 255], [128, 128, 128]]
    grey = Image.fromarray(np.array([[[0, 0], [9, 255]]], np.uint8), "LA")
    assert decoded(tmp_path, grey)[0].tolist() == [[255, 255, 255], [9, 9, 9]]


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palette_with_and_without_transparency(tmp_path, suffix):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert decoded(tmp_path, image, suffix)[0].tolist() == [[255, 0, 0], [0, 0, 255]]
    clear = decoded(tmp_path, image, suffix, transparency=1)
    assert clear[0].tolist() == [[255, 0, 0], [255, 255, 255]]


def test_rgb_with_a_transparent_colour(tmp_path):
    image = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    pixels = decoded(tmp_path, image, transparency=(4, 5, 6))
    assert pixels[0].tolist() == [[1, 2, 3], [255, 255, 255]]


def test_cmyk(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = decoded(tmp_path, image, "jpg", quality=100)[4, 4].astype(int)
    assert abs(red - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tiff"])
def test_orientation_is_applied_once(tmp_path, orientation, suffix):
    from PIL import ImageOps

    values = np.zeros((16, 24, 3), np.uint8)
    values[:8, :8] = 255
    image = Image.fromarray(values)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    pixels = decoded(tmp_path, image, suffix, exif=exif, **options)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(buffer)))
    assert pixels.shape == turned.shape
    assert ((pixels > 127) == (turned > 127)).all()


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    pixels = decoded(tmp_path, frames[0], "gif", save_all=True, append_images=frames[1:])
    assert pixels[1, 1].tolist() == [255, 0, 0]


def corrupt(tmp_path: Path, data: bytes, name: str = "a/x.jpg") -> CorruptImageError:
    root = put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("b", 1, "test/"))
    file = root / "test" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    with pytest.raises(CorruptImageError) as caught:
        FolderTask(path=root).read("test", [0])
    assert caught.value.name == f"test/{name}"
    assert "0x" not in caught.value.why
    return caught.value


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_truncated_images_are_named(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    corrupt(tmp_path, data[: len(data) // 2])


def test_what_is_no_image(tmp_path):
    assert corrupt(tmp_path, b"").why == "the file is empty"
    assert corrupt(tmp_path, b"hello").why.startswith("not an image in JPEG, PNG")
    assert corrupt(tmp_path, b"%!PS-Adobe-3.0 EPSF-3.0\n").why.startswith("not an image in")


def test_ranges_that_cannot_be_known(tmp_path):
    floats = saved(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF")
    assert "floats, whose range is unknown" in corrupt(tmp_path, floats, "a/x.tif").why
    wide = saved(Image.fromarray(np.full((2, 2), 70_000, np.int32)), "TIFF")
    assert "32-bit greyscale" in corrupt(tmp_path, wide, "a/x.tif").why


@pytest.mark.parametrize("limit", [60, 20])
def test_bombs_are_not_decoded(tmp_path, monkeypatch, limit):
    data = saved(Image.new("RGB", (10, 10)), "PNG")
    root = put(tmp_path / "d", *classes("a b", 2, "train/"), *classes("b", 1, "test/"))
    (root / "test" / "a").mkdir()
    (root / "test" / "a" / "x.png").write_bytes(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(CorruptImageError, match=f"more than the {limit} pixels that PIL"):
        FolderTask(path=root).read("test", [0])


def test_a_file_that_is_gone_is_no_corrupt_image(tmp_path):
    task = FolderTask(path=put(tmp_path / "d", *classes("a b", 5)))
    name = task.index().parts["train"].names[0]
    (tmp_path / "d" / name).unlink()
    with pytest.raises(DataError, match=r"Was .* moved") as caught:
        task.read("train", [0])
    assert not isinstance(caught.value, CorruptImageError)


def test_reading_from_several_threads(tmp_path):
    root = tmp_path / "d"
    rng = np.random.default_rng(0)
    for name in classes("a b", 20):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(root / name)
    task = FolderTask(path=root)
    alone = FolderTask(path=root).read("train", range(32))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: task.read("train", [i])[0], range(32)))
    assert all((x == y).all() for x, y in zip(alone, together, strict=True))


def test_index_decodes_nothing_and_needs_no_torch(tmp_path):
    root = put(tmp_path / "d", *classes("a b", 2))
    (root / "a" / "broken.jpg").write_bytes(b"no image")
    code = (
        "import sys; from pathlib import Path; from distbench_builtin.tasks.folder import "
        "FolderTask; FolderTask(path=Path(sys.argv[1])).index(); "
        "print(sorted({'torch', 'PIL', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- real data ----------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "real").is_dir(), reason="the shared real images are absent")
@pytest.mark.parametrize(
    ("name", "number", "train", "test"), [("cub10", 10, 300, 243), ("pets3", 3, 297, 150)]
)
def test_real_folders(name, number, train, test):
    task = FolderTask(path=SHARED / "real" / "tasks" / name)
    found = task.index()
    assert (len(found.classes), len(found.parts["train"]), len(found.parts["test"])) == (
        number,
        train,
        test,
    )
    assert min(task.read("test", [0])[0].shape[:2]) >= 32
