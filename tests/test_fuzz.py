"""Random command lines, files and plugins: one line and an exit code, whatever comes in.

Some dozens of examples each time; ``make fuzz`` tries many times as many, and others each time.
"""

from __future__ import annotations

import io
import os
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from distbench.cli import app
from distbench.storage.safe_text import steering

pytestmark = pytest.mark.slow

TOYS = Path(__file__).with_name("toys.py")
REGISTRY = Path(__file__).parents[1] / "registry" / "results"
TIMES = int(os.environ.get("DISTBENCH_FUZZ", "1"))
CODES = {0, 1, 2, 3}


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        database=None,
    )


def called(*arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments)
    shown = f"{shlex.join(arguments)}\n{done.output}"
    assert done.exit_code in CODES, shown
    assert "Traceback" not in done.output, shown
    assert "a fault of distbench's own" not in done.output, shown
    assert done.output.strip(), shown
    assert not steering(done.output) - {"\n", "\t"}, shown
    return done


# --- command lines

LINES = (
    "run --dry-run --task toy_task --zoo toy_zoo --student toy_student --image-size 16 --steps 4",
    "rank --task toy_task --zoo toy_zoo --metric knn --strategy weighted:power=2",
    "rank --task toy_task:hue=0.5 --zoo toy_zoo --metric knn --metric logme --json",
    "plan plan.toml",
    "list metrics --json",
    "info metric logme",
    "leaderboard runs --format csv --output out",
    "show runs/none --by task",
    "validate none.distbench.zip --json",
    "submit runs/none --submitter Ada --licence CC0-1.0",
    "merge a b --output c",
    "export runs/none --to onnx",
    "new metric my_metric --output made",
    "tune finetune --task toy_task --trials 2",
    "fetch --task toy_task --dry-run",
    "zoo build --architecture resnet18 --data toy_task --output zoo",
    "check metric:knn",
    "retrieve --task toy_task --gallery toy_task --budget 3",
    "study --task toy_task --zoo toy_zoo",
)
WORDS = st.one_of(
    st.sampled_from(
        [
            *("", "-", "--", "-1", "0", "1e308", "nan", "inf", "1099511627776", "none", "all"),
            *("..", "/", "~", "~nobody/x", "/dev/null", "\x1b[31m", "a\nb", "\u202e", "é", "💥"),
            *("knn:k=0", "knn:k=", "knn:", ":", "a:b:c=d", "weighted:power=-1", 'x:a="b', "logme,"),
            *("folder:path=.", "folder:path=nowhere", "local:path=.", "timm:nope", "hub:a/b"),
            *("toy_task:classes=1", "toy_task:train=0", "toy_zoo", "=", "[", "{}", "%s", "'", '"'),
        ]
    ),
    st.text(max_size=12).filter(lambda text: "\x00" not in text),
)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    words = shlex.split(draw(st.sampled_from(LINES)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(words) - 1))
        change = draw(st.sampled_from(["replace", "insert", "remove", "swap", "double"]))
        if change == "replace":
            words[place] = draw(WORDS)
        elif change == "insert":
            words.insert(place, draw(WORDS))
        elif change == "remove" and len(words) > 1:
            del words[place]
        elif change == "swap":
            words[place], words[0] = words[0], words[place]
        else:
            words.insert(place, words[place])
    return words


@fuzz(80)
@given(command_lines())
def test_command_lines(words: list[str]) -> None:
    assume(words[:1] not in (["check"], ["new"]) or len(words) < 4)
    reads = {"run", "rank", "tune", "study", "fetch", "retrieve", "zoo", "check", "list", "info"}
    more = ["--plugin", str(TOYS)] if words[0] in reads else []
    called(*words, *more)


# --- files

VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.sampled_from(["", "none", "mini", "logme", "weighted:power=9", "a\nb", "\x1b[0m", "~"]),
        st.text(max_size=8),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcnuse_", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = (
    *("suite", "task", "zoo", "student", "metric", "strategy", "distiller", "baseline", "seeds"),
    *("labelled", "validation", "image_size", "steps", "batch", "threads", "probe_size", "timeout"),
    *("name", "version", "models", "tasks", "protocol", "settings", "tuning", "reporter", "nope"),
)


def toml(table: dict[str, Any]) -> bytes:
    from distbench import toml_value

    lines = [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@fuzz(40)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), st.binary(max_size=6))
@example({}, b"\xff\xfe")
@example({}, b"a = " + b"[" * 5000)
def test_toml_files(table: dict[str, Any], more: bytes) -> None:
    Path("zoo").mkdir(exist_ok=True)
    for name in ("run.toml", "suite.toml", "zoo/zoo.toml"):
        Path(name).write_bytes(toml(table) + b"\n" + more)
    called("run", "--config", "run.toml", "--dry-run", "--offline", "--plugin", str(TOYS))
    called("run", "--suite", "suite.toml", "--dry-run", "--offline", "--plugin", str(TOYS))
    called("rank", "--task", "toy_task", "--zoo", "local:path=zoo", "--plugin", str(TOYS))


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["flip", "cut", "insert", "zero"]), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for place, kind, more in edits:
        at = int(place * len(data))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (more[0] if more else 255)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + more + data[at:]
        else:
            data = data[:at] + b"\x00" * len(more) + data[at + len(more) :]
    return data


@fuzz(30)
@given(EDITS, st.sampled_from(["whole", "member"]), st.integers(0, 9))
def test_bundles(edits: list[tuple[float, str, bytes]], what: str, number: int) -> None:
    source = sorted(REGISTRY.glob("*.zip"))[0].read_bytes()
    if what == "member":
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = sorted(members)[number % len(members)]
        members[name] = edited(members[name], edits)
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        source = changed.getvalue()
    else:
        source = edited(source, edits)
    Path("x.distbench.zip").write_bytes(source)
    called("validate", "x.distbench.zip")
    called("leaderboard", "x.distbench.zip", "--format", "csv", "--output", "out")


def picture(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 20, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@fuzz(30)
@given(EDITS, st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]))
def test_images(edits: list[tuple[float, str, bytes]], kind: str) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            folder = Path("images") / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for i in range(3):
                Image.new("RGB", (20, 24), (i * 20, ord(name), len(part))).save(folder / f"{i}.png")
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
    odd = Path("images/train/a") / f"odd.{suffix}"
    odd.write_bytes(edited(picture(kind), edits))
    try:
        arguments = ("--task", "folder:path=images", "--zoo", "toy_zoo", "--plugin", str(TOYS))
        called("rank", *arguments, "--metric", "knn", "--skip-corrupt")
    finally:
        odd.unlink()


@fuzz(40)
@given(EDITS, st.sampled_from(["onnx", "safetensors", "pth"]))
def test_weights(edits: list[tuple[float, str, bytes]], kind: str) -> None:
    Path("zoo").mkdir(exist_ok=True)
    Path(f"zoo/m.{kind}").write_bytes(edited(weights(kind), edits))
    about = {
        "onnx": 'format = "onnx"\nfeature_dim = 3\n',
        "safetensors": 'format = "timm"\narchitecture = "test_resnet"\n',
        "pth": 'format = "timm"\narchitecture = "test_resnet"\n',
    }[kind]
    Path("zoo/zoo.toml").write_text(
        f'name = "z"\nversion = 1\n[[models]]\nname = "m"\nfile = "m.{kind}"\nnum_classes = 2\n'
        f"input_size = 16\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n{about}"
    )
    called("rank", "--task", "toy_task", "--zoo", "local:path=zoo", "--plugin", str(TOYS))


_WEIGHTS: dict[str, bytes] = {}


def weights(kind: str) -> bytes:
    """A small file of weights of each kind, made once."""
    if kind not in _WEIGHTS:
        _WEIGHTS[kind] = graph() if kind == "onnx" else tensors(kind)
    return _WEIGHTS[kind]


def graph() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    floats = TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
                helper.make_node("Flatten", ["pooled"], ["features"]),
                helper.make_node("MatMul", ["features", "w"], ["logits"]),
            ],
            "g",
            [helper.make_tensor_value_info("images", floats, ["batch", 3, 16, 16])],
            [
                helper.make_tensor_value_info("features", floats, ["batch", 3]),
                helper.make_tensor_value_info("logits", floats, ["batch", 2]),
            ],
            [numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "w")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return bytes(model.SerializeToString())


def tensors(kind: str) -> bytes:
    import timm
    import torch
    from safetensors.torch import save

    state = timm.create_model("test_resnet", num_classes=2).state_dict()
    if kind == "safetensors":
        return save(state)
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


# --- plugins

BODIES = (
    *("return None", "return 1", "return 'x'", "return []", "return {}", "return object()"),
    *("raise SystemExit(0)", "raise KeyError('k')", "raise BaseException", "import nope", "1 / 0"),
    *("yield 1", "raise GeneratorExit", "return self", "return float('nan')", "return [self] * 3"),
)
METHODS = {
    "Metric": ("score", "score_all", "needed", "named", "identity", "parts", "paths"),
    "Strategy": ("weigh", "named", "identity", "typed", "downloads"),
    "Distiller": ("phases", "transfer_set", "identity"),
    "Baseline": ("phases", "parts"),
    "Task": ("index", "read", "multi_labels", "downloads", "paths"),
    "Zoo": ("sources", "identity"),
    "Student": ("backbone", "fingerprint", "normalisation"),
    "Reporter": ("check", "started", "finished"),
    "Executor": ("drain",),
    "Suite": ("definition",),
}
PLUGINS = st.sampled_from(sorted(METHODS)).flatmap(
    lambda base: st.tuples(
        st.just(base),
        st.dictionaries(st.sampled_from(METHODS[base]), st.sampled_from(BODIES), min_size=1),
        st.sampled_from(["", "version = 'x'", "needs = 3", "role = None", "name = 4", "x: int"]),
    )
)


@fuzz(30)
@given(PLUGINS)
def test_plugins(plugin: tuple[str, dict[str, str], str]) -> None:
    base, methods, declared = plugin
    lines = [f"import distbench\nclass Odd(distbench.{base}):\n    'Odd.'\n    {declared}"]
    lines += [f"    def {name}(self, *a, **k):\n        {body}" for name, body in methods.items()]
    Path("odd.py").write_text("\n".join(lines) + "\nOdd.__abstractmethods__ = frozenset()\n")
    options = {
        "--task": "toy_task",
        "--zoo": "toy_zoo",
        "--student": "toy_student",
        "--executor": "serial",
        "--baseline": "finetune",
        f"--{base.lower()}": "odd",
    }
    pairs = [part for pair in options.items() for part in pair]
    budget = ("--image-size", "16", "--steps", "1", "--labelled", "3-per-class", "--name", "odd")
    called("run", *pairs, *budget, "--plugin", str(TOYS), "--plugin", "odd.py")
