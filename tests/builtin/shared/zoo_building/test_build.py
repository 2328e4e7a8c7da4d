"""Zoos that are made by training: what is made, resumed and refused, and that it can be used."""

from __future__ import annotations

import json
import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from distbench import (
    CorruptImageError,
    DataError,
    Part,
    Task,
    TaskIndex,
    UsageError,
    WeightsError,
    to_floats,
    toml_value,
)
from distbench.engine.training import checkpoint as checkpoints
from distbench_builtin.shared.zoo_building import jobs as build_jobs
from distbench_builtin.shared.zoo_building import train as _training
from distbench_builtin.shared.zoo_building.augment import training_view
from distbench_builtin.shared.zoo_building.build import SomeFailedError
from distbench_builtin.shared.zoo_building.images import decode, open_data
from distbench_builtin.shared.zoo_building.judge import judge
from distbench_builtin.shared.zoo_building.networks import settle
from distbench_builtin.shared.zoo_building.settings import Architecture, Settings, TrainingSet
from distbench_builtin.tasks.voc2007 import CLASSES, Voc2007
from distbench_builtin.zoos.local import LocalZoo
from distbench_builtin.zoos.trained import TrainedZoo

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")

CPU = torch.device("cpu")
COLOURS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]])


class Squares(Task):
    """Squares in three colours."""

    train: int = 48
    corrupt: int = -1
    shade: int = 0

    def index(self) -> TaskIndex:
        def part(name, count):
            labels = np.arange(count, dtype=np.int64) % 3
            if name == "train":
                labels[0] = -1
            return Part(labels, [f"{name}-{i}" for i in range(count)])

        parts = {"train": part("train", self.train), "test": part("test", 21)}
        return TaskIndex(("red", "green", "blue"), parts, f"squares {self.shade}")

    def read(self, part, positions):
        return [self._draw(part, position) for position in positions]

    def _draw(self, part, position):
        if part == "train" and position == self.corrupt:
            raise CorruptImageError(f"train-{position}", "cut short")
        random = np.random.default_rng([position, part == "test"])
        image = random.integers(0, 60, (20, 24, 3)) + self.shade
        image[4:16, 4:20] += COLOURS[position % 3] // 2
        return image.astype(np.uint8)


class Mixed(Squares):
    """The same, with several classes an image; blue is never judged in the first test image."""

    def multi_labels(self, part):
        count = len(self.index().parts[part])
        rows = (np.arange(count)[:, None] % 3 == np.arange(3)).astype(np.int64)
        rows[0, 2] = -1
        return rows


def zoo(*architectures, data=None, **changes):
    settings = {"init": "random", "steps": 30, "image_size": 16, "batch": 16, "augment": "shift"}
    return TrainedZoo(
        architecture=architectures or ("test_resnet",),
        data=data or ({"task": Squares(), "name": "squares", "domain": "shapes"},),
        **{**settings, "lr": 0.05, **changes},
    )


def built(folder, made, **way):
    lines = []
    found = made.build(folder, lines.append, **way)
    return found, lines


@pytest.mark.slow
def test_what_is_made_is_a_local_zoo(tmp_path) -> None:
    found, lines = built(
        tmp_path / "zoo", zoo("test_resnet", "timm:test_efficientnet:drop_rate=0.1")
    )
    assert [one["name"] for one in found] == ["squares-test_resnet", "squares-test_efficientnet"]
    assert lines[0] == "decoding the images of squares"
    assert lines[1].startswith("1/2 squares-test_resnet: accuracy ")
    assert found[0]["value"] > 0.9 and found[0]["test_images"] == 21
    files = {path.name for path in (tmp_path / "zoo").iterdir()}
    assert files == {"zoo.toml", "training.json"} | {f"{m['name']}.safetensors" for m in found}
    sources = LocalZoo(path=tmp_path / "zoo").sources()
    for source in sources:
        source.verify()
        features, logits = source.open(CPU)(torch.zeros(2, 3, 16, 16))
        assert features.shape == (2, source.info.feature_dim)
        assert logits.shape == (2, 3)
    info = sources[0].info
    assert (info.domain, info.trained_on, info.licence) == ("shapes", ("squares",), "unknown")
    assert (info.architecture, info.input_size, info.activation) == ("test_resnet", 16, "softmax")
    assert sources[1].info.recipe["arguments"] == {"drop_rate": 0.1}
    record = json.loads((tmp_path / "zoo" / "training.json").read_text())["models"][0]
    assert record["value"] == found[0]["value"] and record["figure"] == "accuracy"
    assert record["classes"] == ["red", "green", "blue"]
    assert record["training"]["train_images"] == 47  # one has no label
    assert record["training"]["settings"]["steps"] == 30
    assert "# accuracy 1.000 on 21" in (tmp_path / "zoo" / "zoo.toml").read_text()


@pytest.mark.slow
def test_classifiers_of_torchvision(tmp_path) -> None:
    names = ("torchvision:squeezenet1_1", "torchvision:shufflenet_v2_x0_5")
    found, _ = built(tmp_path / "zoo", zoo(*names, steps=2, image_size=32))
    sources = LocalZoo(path=tmp_path / "zoo").sources()
    assert [source.info.name for source in sources] == [one["name"] for one in found]
    for source in sources:
        source.verify()
        features, logits = source.open(CPU)(torch.zeros(2, 3, 32, 32))
        assert features.shape == (2, source.info.feature_dim) and logits.shape == (2, 3)
    file = tmp_path / "zoo" / "zoo.toml"
    facts = ("feature_dim", "parameters", "macs", "depth")
    lines = [line for line in file.read_text().splitlines() if not line.startswith(facts)]
    file.write_text("\n".join(lines))
    counted = [source.info for source in LocalZoo(path=tmp_path / "zoo").sources()]
    for fact in facts:
        assert [getattr(i, fact) for i in counted] == [getattr(s.info, fact) for s in sources]


def test_what_is_judged_is_what_the_zoo_gives(tmp_path) -> None:
    (found,), _ = built(tmp_path / "zoo", zoo(steps=4))
    (source,) = LocalZoo(path=tmp_path / "zoo").sources()
    task = Squares()
    decode(task, 18, tmp_path / "images")
    test = open_data(task.index().classes, tmp_path / "images").test
    images = to_floats(torch.from_numpy(np.array(test.pixels)), 16)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (source.info.mean, source.info.std))
    _, logits = source.open(CPU)((images - mean) / std)
    assert float((logits.argmax(1).numpy() == test.labels).mean()) == found["value"]


@pytest.mark.slow
def test_finished_models_stay_and_others_join_them(tmp_path) -> None:
    built(tmp_path / "zoo", zoo(steps=2))
    file = tmp_path / "zoo" / "squares-test_resnet.safetensors"
    before = file.stat().st_mtime_ns
    _, lines = built(tmp_path / "zoo", zoo(steps=2))
    assert [line.partition(",")[0] for line in lines] == ["squares-test_resnet: there already"]
    built(tmp_path / "zoo", zoo("test_efficientnet", steps=2))
    assert file.stat().st_mtime_ns == before
    names = [source.info.name for source in LocalZoo(path=tmp_path / "zoo").sources()]
    assert names == ["squares-test_resnet", "squares-test_efficientnet"]


def test_a_model_that_was_made_otherwise_is_not_lost_unasked(tmp_path) -> None:
    built(tmp_path / "zoo", zoo(steps=2))
    with pytest.raises(UsageError, match=r"otherwise \(steps 2 instead of 3\); name another"):
        built(tmp_path / "zoo", zoo(steps=3))
    other = {"task": Squares(shade=9), "name": "squares"}
    with pytest.raises(UsageError, match="fingerprint squares 0 instead of squares 9"):
        built(tmp_path / "zoo", zoo(steps=2, data=(other,)))
    old = (tmp_path / "zoo" / "zoo.toml").read_text()
    _, lines = built(tmp_path / "zoo", zoo(steps=3), replace=True)
    assert lines[-1].startswith("1/1 squares-test_resnet")
    assert (tmp_path / "zoo" / "zoo.toml").read_text() != old


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 7])
def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path, monkeypatch, stop) -> None:
    made = zoo("timm:test_resnet:drop_rate=0.2", steps=9, augment="crop")
    built(tmp_path / "whole", made)
    train = _training.train

    def interrupted(*args, progress, **kwargs):
        def stopping(step, steps, loss):
            progress(step, steps, loss)
            if step == stop:
                raise KeyboardInterrupt

        return train(*args, progress=stopping, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(_training, "train", interrupted)
        patch.setattr(checkpoints, "_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            built(tmp_path / "cut", made)
    assert not (tmp_path / "cut" / "zoo.toml").exists()
    (left,) = (tmp_path / "cut" / ".building").glob("*.checkpoint.pt")
    assert torch.load(left, weights_only=True)["state"]["step"] == stop
    built(tmp_path / "cut", made)
    name = "squares-test_resnet.safetensors"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "cut" / ".building").exists()


def test_a_broken_checkpoint_begins_again(tmp_path) -> None:
    staging = tmp_path / "zoo" / ".building"
    staging.mkdir(parents=True)
    (staging / "squares-test_resnet.checkpoint.pt").write_bytes(b"half a file")
    (staging / "images-0").mkdir()
    assert len(built(tmp_path / "zoo", zoo(steps=2))[0]) == 1


def test_a_seed_is_another_model_and_the_same_seed_the_same(tmp_path) -> None:
    digests = []
    for number, seed in enumerate((0, 0, 1)):
        built(tmp_path / str(number), zoo(steps=2, seed=seed))
        (source,) = LocalZoo(path=tmp_path / str(number)).sources()
        digests.append(source.info.fingerprint)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.slow
def test_several_classes_an_image(tmp_path) -> None:
    data = ({"task": Mixed(), "name": "mixed"},)
    (found,), _ = built(tmp_path / "zoo", zoo(data=data))
    assert found["figure"] == "mean average precision" and found["value"] > 0.9
    (source,) = LocalZoo(path=tmp_path / "zoo").sources()
    assert source.info.activation == "sigmoid"


def test_labels_that_are_not_judged_change_nothing() -> None:
    logits = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    whole = _training.label_loss(logits[:1], torch.tensor([[1, 0]]), 0.0)
    masked = _training.label_loss(logits, torch.tensor([[1, 0], [-1, -1]]), 0.0)
    assert float(whole) == pytest.approx(float(masked))
    assert float(whole) == pytest.approx((np.log1p(np.exp(-1)) + np.log1p(np.exp(-2))) / 2)


def test_figures() -> None:
    logits = np.array([[3, 1], [0, 2], [5, 4]], np.float32)
    assert judge(logits, np.array([0, 1, 1])) == ("accuracy", pytest.approx(2 / 3), 3)
    # Of the first class the best two of three are right; the second is ranked 4, 2, 1.
    labels = np.array([[1, 0], [0, 1], [1, -1]])
    assert judge(logits, labels) == ("mean average precision", pytest.approx(1.0), 3)
    assert judge(logits, np.array([[0, 0], [1, 0], [0, 0]])).value == pytest.approx(1 / 3)


@pytest.mark.slow
def test_a_model_that_fails_stops_no_other(tmp_path, monkeypatch) -> None:
    with pytest.raises(SomeFailedError, match="1 of 2 models could not be made: squares-test_vit"):
        made = zoo("test_vit", "test_resnet", steps=2)
        original = build_jobs._stored

        def fails(network):
            if "VisionTransformer" in type(network).__name__:
                raise RuntimeError("no memory left")
            return original(network)

        monkeypatch.setattr(build_jobs, "_stored", fails)
        built(tmp_path / "zoo", made)
    names = [source.info.name for source in LocalZoo(path=tmp_path / "zoo").sources()]
    assert names == ["squares-test_resnet"]


def test_a_loss_that_is_no_number_is_a_failure(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_training, "label_loss", lambda logits, *_: logits.sum() * float("nan"))
    lines = []
    with pytest.raises(SomeFailedError):
        zoo(steps=2).build(tmp_path / "zoo", lines.append)
    assert "is not finite in its first step, before anything was learnt; look" in lines[-1]
    assert not (tmp_path / "zoo" / "zoo.toml").exists()


def test_broken_images(tmp_path) -> None:
    data = ({"task": Squares(corrupt=5), "name": "squares"},)
    with pytest.raises(CorruptImageError, match="train-5"):
        built(tmp_path / "zoo", zoo(steps=2, data=data))
    built(tmp_path / "zoo", zoo(steps=2, data=data), skip_corrupt=True)
    record = json.loads((tmp_path / "zoo" / "training.json").read_text())["models"][0]
    assert record["training"]["images_left_out"] == 1
    assert record["training"]["train_images"] == 46


def test_a_folder_with_other_things_is_left_alone(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds other things, e.g. notes.txt; name another"):
        built(tmp_path / "mine", zoo())
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_what_is_sent_to_processes_can_be_sent() -> None:
    made = zoo("torchvision:resnet34", "timm:resnet18.a1_in1k", init="imagenet")
    for network in made._wanted()[0]:
        assert pickle.loads(pickle.dumps(network)) == network


def test_architectures_as_they_are_typed() -> None:
    typed = Architecture.model_validate("timm:mobilenetv2_035:pad_type=same,bn_eps=0.001,x=true")
    assert (typed.library, typed.model, typed.name) == (
        "timm",
        "mobilenetv2_035",
        "mobilenetv2_035",
    )
    assert typed.arguments == {"pad_type": "same", "bn_eps": 0.001, "x": True}
    assert settle(Architecture.model_validate("googlenet"), "random", 64).library == "torchvision"
    assert settle(Architecture.model_validate("resnet18"), "random", 64).library == "timm"
    with pytest.raises(UsageError, match="Did you mean 'resnet18'"):
        settle(Architecture.model_validate("timm:resnet81"), "random", 64)
    with pytest.raises(UsageError, match="timm has no pretrained weights of 'mobilenetv2_035'"):
        settle(Architecture.model_validate("mobilenetv2_035"), "imagenet", 64)
    fixed = settle(Architecture.model_validate("vit_tiny_patch16_224"), "random", 64)
    assert fixed.arguments == {"img_size": 64}


def test_weights_of_imagenet_have_to_be_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    made = zoo("torchvision:googlenet", init="imagenet:IMAGENET1K_V1")
    with pytest.raises(WeightsError, match=r"ImageNet weights of 'googlenet' are not .* --fetch"):
        built(tmp_path / "zoo", made)
    (need,) = made.downloads()
    assert need.what == "googlenet: weights IMAGENET1K_V1" and not need.present()
    network = settle(Architecture.model_validate("torchvision:googlenet"), "imagenet", 224)
    assert network.mean == network.std == (0.5, 0.5, 0.5)


def test_googlenet_sees_what_its_published_weights_expect() -> None:
    """Images normalised around a half are what its own step makes of ImageNet's normalisation."""
    from torchvision.models import googlenet

    from distbench import DistbenchError
    from distbench_builtin.shared.models.torchvision_create import create

    torch.manual_seed(0)
    images = torch.rand(2, 3, 64, 64)
    theirs = googlenet(num_classes=4, aux_logits=False, transform_input=True, init_weights=False)
    ours = create("googlenet", 4, error=DistbenchError)
    ours.load_state_dict(theirs.state_dict())
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shape = (1, 3, 1, 1)
    with torch.no_grad():
        expected = theirs.eval()((images - mean.view(shape)) / std.view(shape))
        found = ours.eval()((images - 0.5) / 0.5)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_of_initial_weights(tmp_path, whole) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(1)
    given = timm.create_model("test_resnet", num_classes=9 if whole else 0)
    save_file(given.state_dict(), tmp_path / "start.safetensors")
    network = settle(
        Architecture.model_validate("test_resnet"), str(tmp_path / "start.safetensors"), 16
    )
    made = network.make(4, 0).state_dict()
    assert all(
        torch.equal(made[k], v) for k, v in given.state_dict().items() if not k.startswith("fc.")
    )
    assert made["fc.weight"].shape == (4, made["fc.weight"].shape[1])
    assert not made["fc.weight"].any() and not made["fc.bias"].any()
    absent = settle(Architecture.model_validate("test_resnet"), str(tmp_path / "absent.pt"), 16)
    with pytest.raises(WeightsError, match=r"absent.pt of 'test_resnet' are missing; mend init"):
        absent.make(4, 0)


def test_views() -> None:
    random = np.random.default_rng(0)
    images = torch.from_numpy(random.integers(0, 256, (6, 18, 18, 3), dtype=np.uint8))

    def views(flip=True, seed=0, **settings):
        draw = torch.Generator().manual_seed(seed)
        view = training_view(Settings(image_size=16, **settings), flip)
        return view(images, torch.arange(6), draw)

    whole = to_floats(images, 16)
    assert torch.equal(views(flip=False, augment="none"), whole)
    mirrored = views(augment="none")
    same = [torch.equal(mirrored[i], whole[i]) for i in range(6)]
    turned = [torch.equal(mirrored[i], whole[i].flip(2)) for i in range(6)]
    assert [a != b for a, b in zip(same, turned, strict=True)] == [True] * 6
    assert any(same) and any(turned)
    for augment in ("crop", "shift"):
        made = views(augment=augment)
        assert made.shape == (6, 3, 16, 16) and 0 <= float(made.min()) <= float(made.max()) <= 1
        assert torch.equal(made, views(augment=augment))
        assert not torch.equal(made, views(augment=augment, seed=1))


def test_how_long_a_training_is() -> None:
    assert Settings(epochs=2, batch=16).total_steps(47) == 6
    with pytest.raises(ValueError, match="give steps or epochs, not both"):
        Settings(steps=1, epochs=1)


@pytest.mark.parametrize(
    "value", ['a "b" \\ \n\x7f ü 🐦', 3, 0.001, 1e-05, True, [0.5, 1.0], {"pad type": "same"}, {}]
)
def test_values_come_back_from_toml(value) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def voc(root: Path) -> Path:
    """Four training and two test images as the official archives hold them."""
    main = root / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (root / "VOCdevkit" / "VOC2007" / "JPEGImages").mkdir()
    for split, names in (
        ("train", ["000012", "000017", "000023", "000026"]),
        ("test", ["000001", "000002"]),
    ):
        for name in names:
            Image.new("RGB", (40, 30), (int(name) * 5, 90, 20)).save(
                root / "VOCdevkit" / "VOC2007" / "JPEGImages" / f"{name}.jpg"
            )
        for number, kind in enumerate(CLASSES):
            values = [1 if (row + number) % 3 == 0 else -1 for row in range(len(names))]
            values[0] = 0 if kind == "dog" else values[0]
            text = "".join(f"{n} {v:2d}\n" for n, v in zip(names, values, strict=True))
            (main / f"{kind}_{split}.txt").write_text(text)
    return root


def test_voc2007(tmp_path) -> None:
    task = Voc2007(path=voc(tmp_path), strict=False)
    index = task.index()
    assert len(index.classes) == 20 and index.classes[11] == "dog"
    rows = task.multi_labels("train")
    assert rows is index.parts["train"].labels and index.several
    assert rows.shape == (4, 20) and rows[0].tolist()[:4] == [1, 0, 0, 1] and rows[0][11] == -1
    assert task.read("test", [1])[0].shape == (30, 40, 3)
    with pytest.raises(DataError, match=r"4 images in part 'train' in .*, expected are 2501"):
        Voc2007(path=tmp_path).index()
    with pytest.raises(DataError, match=r"no VOC 2007 in .*aeroplane_train.txt"):
        Voc2007(path=tmp_path / "absent").index()
    with pytest.raises(
        DataError, match=r"Pascal VOC 2007 is not on this machine; .*--task voc2007"
    ):
        Voc2007().index()
    before = index.fingerprint
    Image.new("RGB", (40, 30)).save(tmp_path / "VOCdevkit/VOC2007/JPEGImages/000012.jpg")
    assert Voc2007(path=tmp_path, strict=False).index().fingerprint != before


def images(root: Path, name: str) -> Path:
    for part in ("train", "test"):
        for number, kind in enumerate(("a", "b")):
            folder = root / name / part / kind
            folder.mkdir(parents=True)
            for i in range(4):
                colour = (200 * number, 30 * i, 90 + len(part))
                Image.new("RGB", (18, 18), colour).save(folder / f"{i}.png")
    return root / name


def invoke(*arguments: object):
    from distbench.cli import app

    return CliRunner().invoke(app, ["zoo", "build", *map(str, arguments), "--device", "cpu"])


def test_the_command(tmp_path) -> None:
    for name in ("one", "two"):
        images(tmp_path, name)
    arguments = (
        "--architecture", "test_resnet", "--data", f"folder:path={tmp_path / 'one'}",
        "--data", f"second=folder:path={tmp_path / 'two'}", "--init", "random", "--steps", 2,
        "--image-size", 16, "--batch", 4, "--output", tmp_path / "zoo",
    )  # fmt: skip
    dry = invoke(*arguments, "--dry-run")
    assert dry.stderr.splitlines() == [
        "one-test_resnet: to be made",
        "second-test_resnet: to be made",
    ]
    assert not (tmp_path / "zoo").exists()
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'zoo'} (use it with --zoo local:path={tmp_path / 'zoo'})" in done.stdout
    names = [source.info.name for source in LocalZoo(path=tmp_path / "zoo").sources()]
    assert names == ["one-test_resnet", "second-test_resnet"]
    told = json.loads(invoke(*arguments, "--json").stdout)
    assert [(one["name"], one["test_images"]) for one in told] == [(name, 8) for name in names]


def test_a_recipe_file(tmp_path) -> None:
    images(tmp_path, "pictures")
    (tmp_path / "recipe.toml").write_text(
        'init = "random"\nsteps = 9\nimage_size = 16\nbatch = 4\n'
        'architecture = ["test_resnet", { use = "test_resnet", name = "half", '
        "arguments = { drop_rate = 0.5 } }]\n"
        '[[data]]\nuse = "folder:path=pictures"\nname = "birds"\ndomain = "animals"\n'
        'trained_on = "my-birds"\nlicence = "mine"\nflip = false\n'
    )
    done = invoke(
        tmp_path / "recipe.toml", "--epochs", 1, "--only", "*-half", "--output", tmp_path / "z"
    )
    assert done.exit_code == 0, done.output
    (source,) = LocalZoo(path=tmp_path / "z").sources()
    info = source.info
    assert (info.name, info.domain, info.trained_on) == ("birds-half", "animals", ("my-birds",))
    assert info.licence == "mine"
    record = json.loads((tmp_path / "z" / "training.json").read_text())["models"][0]["training"]
    assert record["steps"] == 2 and record["data"]["flip"] is False


def test_what_the_command_refuses(tmp_path) -> None:
    folder = images(tmp_path, "one")
    data = ("--data", f"folder:path={folder}")

    def says(*arguments: object) -> str:
        return invoke(*arguments, "--output", tmp_path / "zoo").stderr.removeprefix("distbench: ")

    assert says().startswith("which models? Name networks and what they learn from")
    assert says(*data, "--architecture", "test_resnet", "--only", "two-*").startswith(
        "--only two-* matches no model; there are one-test_resnet"
    )
    assert "two data sets are called 'one'" in says(*data, *data, "--architecture", "test_resnet")
    assert "2 times --init for 1 architectures" in says(
        *data, "--architecture", "test_resnet", "--init", "random", "--init", "imagenet"
    )
    assert "takes no --steps" in says("mini", "--steps", 3)
    assert "zoo 'local' is not made by training" in says("local:path=.")
    assert "unknown zoo 'parc82'. Did you mean 'parc28'" in says("parc82")
    (tmp_path / "wrong.toml").write_text("step = 3\n")
    assert says(tmp_path / "wrong.toml").startswith(f"{tmp_path / 'wrong.toml'}: ")
    assert "has no parameter 'step'" in says(tmp_path / "wrong.toml")


def test_the_recipe_of_parc_has_28_models() -> None:
    from distbench.plugins.registry import registry

    recipe = TrainedZoo.recipes()["parc28"]
    data = [
        {"task": registry().make("task", table["use"])}
        | {key: value for key, value in table.items() if key != "use"}
        for table in recipe["data"]
    ]
    made = TrainedZoo(**{**recipe, "data": data})
    assert len(made._pairs()) == 28
    assert {network.library for network in made._wanted()[0]} == {"torchvision"}
    assert [one.name for one in made.data] == [
        "nabirds", "oxford_pets", "cub200", "caltech101", "stanford_dogs", "voc2007", "cifar10",
    ]  # fmt: skip
    missing = [need.what for need in made.downloads() if not need.present()]
    assert len(missing) == 11
    with pytest.raises(DataError, match="not on this machine"):
        made.build(Path("zoo"), print)


def test_data_have_names() -> None:
    assert TrainingSet.model_validate(Squares()).name == "squares"
    with pytest.raises(ValueError, match="cannot be part of a file's name"):
        TrainingSet(task=Squares(), name="a/b")


def test_a_zoo_that_is_not_built_has_no_sources() -> None:
    with pytest.raises(WeightsError, match="has to be built first"):
        TrainedZoo().sources()


@pytest.mark.slow
def test_real_photographs_begin_well(shared: Path, tmp_path: Path) -> None:
    """Pretrained features are not spoilt by a new classifier."""
    from distbench_builtin.tasks.folder import FolderTask

    start = shared / "real" / "student" / "mobilenetv2_035-imagenet.safetensors"
    network = {
        "use": "mobilenetv2_035:pad_type=same,bn_eps=0.001",
        "init": str(start),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    data = ({"task": FolderTask(path=shared / "real" / "sources" / "cats_dogs"), "name": "cats"},)
    made = TrainedZoo(architecture=(network,), data=data, steps=12, batch=24, image_size=48)
    (found,), _ = built(tmp_path / "zoo", made)
    assert found["value"] > 0.6
