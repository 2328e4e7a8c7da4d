"""Every file that a loader reads counts in what its results are known by.

Each loader is run on files made here while a spy notes what it opens. Then every file of its
folder is changed in turn, so that it can still be read: either the fingerprints and facts differ,
or it is refused, or nothing that was loaded differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import DistbenchError
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching import file_digests

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")

Loaded = tuple[str, str]
"""What it is known by, and a digest of what was loaded."""

_opened: list[set[Path]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _opened and isinstance(arguments[0], (str, bytes, os.PathLike)):
        _opened[-1].add(Path(os.fsdecode(arguments[0])))


sys.addaudithook(_note)


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    monkeypatch.setattr(file_digests, "_known", {})


def sha(*values: Any) -> str:
    whole = hashlib.sha256()
    for value in values:
        whole.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return whole.hexdigest()


# --- what is loaded -------------------------------------------------------------------------------


def zoo(spec: str) -> Loaded:
    sources = list(registry().make("zoo", spec).sources())
    facts = [source.info.model_dump(exclude={"licence"}) for source in sources]
    arrays = []
    for source in sources:
        source.verify()
        side = source.info.input_size
        image = torch.linspace(-1, 1, 3 * side * side).reshape(1, 3, side, side)
        arrays += [out.numpy() for out in source.open(torch.device("cpu"))(image)]
    return json.dumps(facts, default=str), sha(*arrays)


def student(spec: str) -> Loaded:
    made = registry().make("student", spec)
    model = made.backbone(pretrained=True)
    identity = json.dumps([made.fingerprint(), made.identity(), made.normalisation()], default=str)
    return identity, sha(*(v.numpy() for v in model.state_dict().values()))


def task(spec: str) -> Loaded:
    made = registry().make("task", spec)
    index = made.index()
    arrays: list[Any] = [index.classes]
    for part, content in index.parts.items():
        arrays += [content.labels, *made.read(part, list(range(len(content))))]
    return index.fingerprint, sha(*arrays)


# --- what it is loaded from -----------------------------------------------------------------------


def picture(shade: int, path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 0, 255 - shade)).save(path)


def save_weights(path: Path, seed: int) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    save_file(timm.create_model("test_resnet", num_classes=3).state_dict(), path)


MODEL = 'name = "z"\n[[models]]\nname = "a"\nnum_classes = 3\ninput_size = 32\n'


def local_timm(root: Path) -> str:
    save_weights(root / "a.safetensors", 0)
    text = MODEL + 'format = "timm"\narchitecture = "test_resnet"\nfile = "a.safetensors"\n'
    (root / "zoo.toml").write_text(text)
    return f"local:path={root}"


def local_onnx(root: Path) -> str:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def numbers(name: str, *shape: int) -> Any:
        values = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32)
        return numpy_helper.from_array(values.reshape(shape), name)

    def value(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "first"], ["features"]),
        helper.make_node("Gemm", ["features", "last"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [value("images", "b", 3, 32, 32)],
        [value("features", "b", 4), value("logits", "b", 3)],
        [numbers("first", 3, 4), numbers("last", 4, 3)],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        root / "a.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=False,
        size_threshold=0,
    )
    text = (
        MODEL
        + 'format = "onnx"\nfeature_dim = 4\nmean = [0, 0, 0]\nstd = [1, 1, 1]\nfile = "a.onnx"\n'
    )
    (root / "zoo.toml").write_text(text)
    return f"local:path={root}"


def timm_folder(root: Path) -> str:
    model = timm.create_model("test_resnet", num_classes=3)
    timm.models.save_for_hf(model, root, model_args={"act_layer": "relu"})
    return f"timm:local-dir:{root}"


def student_weights(root: Path) -> str:
    save_weights(root / "a.safetensors", 0)
    return f"timm:test_resnet:weights={root / 'a.safetensors'}"


def image_folder(root: Path) -> str:
    for i in range(12):
        picture(20 * i, root / ("cat", "dog")[i % 2] / f"{i}.png")
    return f"folder:path={root}"


def image_table(root: Path) -> str:
    lines = ["image,label"]
    for i in range(12):
        picture(20 * i, root / "images" / f"{i}.png")
        lines.append(f"images/{i}.png,{('cat', 'dog')[i % 2]}")
    (root / "labels.csv").write_text("\n".join(lines))
    return f"folder:table={root / 'labels.csv'}"


def gallery(root: Path) -> str:
    for i in range(3):
        picture(20 * i, root / f"{i}.png")
    (root / "some.csv").write_text("image\n0.png\n2.png\n")
    return f"images:path={root},only={root / 'some.csv'}"


def hub_clone(root: Path) -> str:
    from datasets import ClassLabel, Dataset, Features, Image

    kinds = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})
    (root / "data").mkdir()
    for part, count in (("train", 8), ("test", 4)):
        rows: dict[str, list[Any]] = {"image": [], "label": []}
        for i in range(count):
            picture(20 * i + len(part), root.parent / "one.png")
            data = (root.parent / "one.png").read_bytes()
            rows["image"].append({"bytes": data, "path": f"{part}{i}.png"})
            rows["label"].append(i % 2)
        data_set = Dataset.from_dict(rows, features=kinds)
        data_set.to_parquet(root / "data" / f"{part}-00000-of-00001.parquet")
    return f"hub:path={root}"


def eurosat(root: Path) -> str:
    for i in range(20):
        name = ("AnnualCrop", "Forest")[i % 2]
        picture(10 * i, root / "eurosat" / "2750" / name / f"{name}_{i}.jpg")
    return f"torchvision:EuroSAT:path={root}"


def torchvision_pets(root: Path) -> str:
    base = root / "oxford-iiit-pet"
    (base / "annotations").mkdir(parents=True)
    for split, numbers in (("trainval", (1, 2, 3)), ("test", (4,))):
        lines = []
        for number in numbers:
            for label, name in ((1, "Abyssinian"), (2, "american_bulldog")):
                picture(60 * number + label, base / "images" / f"{name}_{number}.jpg")
                lines.append(f"{name}_{number} {label} 1 1")
        (base / "annotations" / f"{split}.txt").write_text("\n".join(lines))
    return f"torchvision:OxfordIIITPet:path={root}"


LOADERS: dict[str, tuple[Callable[[Path], str], Callable[[str], Loaded]]] = {
    "zoo of timm weights": (local_timm, zoo),
    "zoo of ONNX graphs": (local_onnx, zoo),
    "timm folder": (timm_folder, zoo),
    "student from a file": (student_weights, student),
    "folder of images": (image_folder, task),
    "table of images": (image_table, task),
    "gallery": (gallery, task),
    "clone of a data set": (hub_clone, task),
    "torchvision folders": (eurosat, task),
    "torchvision lists": (torchvision_pets, task),
}

# --- how a file is changed ------------------------------------------------------------------------

_TEXT = {
    "zoo.toml": [("input_size", "interpolation = 'bicubic'\ninput_size"), ('"a"', '"b"')],
    "config.json": [('"relu"', '"gelu"'), ('"test_resnet"', '"test_resnet "')],
    "labels.csv": [("0.png,cat", "0.png,dog")],
    "some.csv": [("0.png", "1.png")],
    "trainval.txt": [("Abyssinian_1 1", "Abyssinian_1 2")],
    "test.txt": [("Abyssinian_4 1", "Abyssinian_4 2")],
}


def changes(file: Path) -> Iterator[bytes]:
    """Other contents of a file that still make sense."""
    whole = file.read_bytes()
    if file.name in _TEXT:
        for old, new in _TEXT[file.name]:
            assert old in whole.decode(), f"{old} is not in {file.name}"
            yield whole.decode().replace(old, new, 1).encode()
    elif file.suffix in (".png", ".jpg"):
        picture(200, file)
        yield file.read_bytes()
        file.write_bytes(whole)
    elif file.suffix == ".parquet":
        yield file.with_name("train-00000-of-00001.parquet").read_bytes()[:-1] + b"?"
    else:  # numbers: the exponent of the last one
        yield whole[:-1] + bytes([whole[-1] ^ 1])


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADERS)
def test_every_file_that_is_read_counts(name: str, tmp_path: Path) -> None:
    make, load = LOADERS[name]
    root = tmp_path / "files"
    root.mkdir()
    spec = make(root)
    _opened.append(set())
    try:
        known_by, loaded = load(spec)
    finally:
        opened = {path for path in _opened.pop() if path.is_relative_to(root) and path.is_file()}
    assert opened or load is zoo  # what the runtime of ONNX opens is not seen
    assert load(spec) == (known_by, loaded)
    files = {path for path in root.rglob("*") if path.is_file()}
    assert opened <= files
    counted = 0
    for file in sorted(files):
        whole = file.read_bytes()
        for changed in list(changes(file)):
            file.write_bytes(changed)
            try:
                again = load(spec)
            except DistbenchError:
                again = ("refused", "")
            assert again[0] != known_by or again[1] == loaded, f"{file.name} is in no digest"
            counted += again[0] != known_by
        file.write_bytes(whole)
    assert counted
    assert load(spec) == (known_by, loaded)
