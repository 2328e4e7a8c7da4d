"""Files of weights that join a local zoo: what is read off them, asked for, tried and listed."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench.workflows.zoos.add_source import add_source, folder_zoo
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.shared.zoo_adding import recognise
from distbench_builtin.zoos.local import LocalZoo

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")

KNOWN = {"input_size": "32", "normalise": "half", "trained_on": "dots, lines", "licence": "MIT"}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_digests, "_known", {})


def network(classes: int = 7):
    torch.manual_seed(0)
    return timm.create_model("test_resnet", num_classes=classes).eval()


def add(folder: Path, file: Path, ask=None, **facts):
    return add_source(folder_zoo(registry(), folder), file, {**KNOWN, **facts}, ask)


def answers(folder: Path, name: str, images):
    (source,) = (s for s in LocalZoo(path=folder).sources() if s.info.name == name)
    return source.open(CPU)(images)


@pytest.mark.parametrize(
    ("wrapped", "file"),
    [
        (lambda state: state, "test_resnet.pth"),
        (lambda state: {"model": {f"module.{k}": v for k, v in state.items()}}, "mine.pt"),
        (
            lambda state: {
                "state_dict": {f"_orig_mod.{k}": v for k, v in state.items()},
                "args": argparse.Namespace(lr=0.1),
            },
            "蜘蛛.tar",
        ),
        (lambda state: {"state_dict": {f"model.{k}": v for k, v in state.items()}}, "epoch=3.ckpt"),
    ],
)
def test_state_dicts_as_training_leaves_them(tmp_path, wrapped, file) -> None:
    model = network()
    torch.save(wrapped(model.state_dict()), tmp_path / file)
    info = add(tmp_path / "zoo", tmp_path / file, architecture="timm:test_resnet", name="one")
    assert (info.architecture, info.num_classes, info.input_size) == ("test_resnet", 7, 32)
    assert info.trained_on == ("dots", "lines") and info.mean == (0.5, 0.5, 0.5)
    images = torch.randn(2, 3, 32, 32)
    features, logits = answers(tmp_path / "zoo", "one", images)
    with torch.inference_mode():
        torch.testing.assert_close(logits, model(images))
    assert features.shape == (2, info.feature_dim)


def test_an_architecture_in_the_files_name_is_taken_where_it_fits(tmp_path) -> None:
    torch.save(network().state_dict(), tmp_path / "my-test_resnet.v2.pth")
    info = add(tmp_path / "zoo", tmp_path / "my-test_resnet.v2.pth")
    assert info.architecture == "test_resnet"
    assert info.name == "my-test_resnet.v2"


def test_architectures_that_compute_otherwise_are_asked_for(tmp_path, monkeypatch) -> None:
    known = [("timm", "test_resnet"), ("timm", "test_convnext")]
    monkeypatch.setattr(recognise, "_near", lambda shapes: iter(known))
    torch.save(network().state_dict(), tmp_path / "last.pth")
    assert add(tmp_path / "zoo", tmp_path / "last.pth").architecture == "test_resnet"

    monkeypatch.setattr(recognise, "_same", lambda one, other: False)
    known[1] = ("timm", "test_resnet")
    torch.save(network(8).state_dict(), tmp_path / "best.pth")
    with pytest.raises(UsageError, match="fit timm:test_resnet, timm:test_resnet, which do not"):
        add(tmp_path / "zoo", tmp_path / "best.pth")


def test_all_that_is_missing_is_named_at_once_and_nothing_is_left(tmp_path) -> None:
    torch.save(network().state_dict(), tmp_path / "test_resnet.pth")
    zoo = folder_zoo(registry(), tmp_path / "zoo")
    with pytest.raises(UsageError) as raised:
        add_source(zoo, tmp_path / "test_resnet.pth", {}, None)
    for option in ("--input-size", "--normalise", "--trained-on", "--licence"):
        assert option in str(raised.value)
    assert not (tmp_path / "zoo").exists()


def test_a_person_is_asked_again_after_a_wrong_answer(tmp_path) -> None:
    torch.save(network().state_dict(), tmp_path / "last.pth")
    typed = iter(["test_vit", "test_resnet", "wide", "32", "half", "unknown", "MIT"])
    complaints = []

    def ask(question, wrong):
        complaints.append(wrong)
        return next(typed)

    zoo = folder_zoo(registry(), tmp_path)
    recognise_nothing = {"candidates": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognise, "remembered", lambda *_: recognise_nothing)
        info = add_source(zoo, tmp_path / "last.pth", {}, ask)
    assert info.architecture == "test_resnet"
    assert "not those of timm:test_vit" in complaints[1]
    assert "input_size='wide' will not do" in complaints[3]
    assert sorted(path.name for path in tmp_path.glob("*.pth")) == ["last.pth"]  # it lay there


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.pth", b"hello", "nothing that torch.save wrote"),
        ("text.onnx", b"hello", "no ONNX graph"),
        ("text.docx", b"hello", "no file of weights by its suffix"),
        ("whole.pth", None, "hold more than tensors"),
    ],
)
def test_files_that_are_no_weights(tmp_path, name, content, message) -> None:
    if content is None:
        torch.save(network(), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        add(tmp_path / "zoo", tmp_path / name, architecture="test_resnet")
    assert not (tmp_path / "zoo").exists()


def test_a_zoo_is_extended_and_its_comments_stay(tmp_path) -> None:
    torch.save(network().state_dict(), tmp_path / "test_resnet.pth")
    add(tmp_path / "zoo", tmp_path / "test_resnet.pth", name="one")
    manifest = tmp_path / "zoo" / "zoo.toml"
    manifest.write_text(manifest.read_text() + "# mine")
    add(tmp_path / "zoo", tmp_path / "test_resnet.pth", name="two", domain="dots")
    assert "# mine\n" in manifest.read_text()
    one, two = LocalZoo(path=tmp_path / "zoo").sources()
    assert (one.info.domain, two.info.domain) == ("unknown", "dots")
    before = sorted(path.name for path in (tmp_path / "zoo").iterdir())
    with pytest.raises(UsageError, match="has a model 'two' already"):
        add(tmp_path / "zoo", tmp_path / "test_resnet.pth", name="two")
    with pytest.raises(WeightsError, match="does not take images of 1 x 1"):
        vit = timm.create_model("test_vit", num_classes=3)
        torch.save(vit.state_dict(), tmp_path / "test_vit.pth")
        add(tmp_path / "zoo", tmp_path / "test_vit.pth", input_size="1")
    assert sorted(path.name for path in (tmp_path / "zoo").iterdir()) == before
