"""The zoo that ships with distbench: whole, true to its manifest, and possible to build anew."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from distbench import UsageError, WeightsError
from distbench_builtin.shared.mini import drawing as mini
from distbench_builtin.shared.mini import nets
from distbench_builtin.shared.mini.zoo_build import ARCHITECTURES, DOMAINS, build_zoo
from distbench_builtin.shared.mini.zoo_files import PACKAGED, MiniManifest, MiniSource
from distbench_builtin.shared.mini.zoo_train import (
    MiniModel,
    Recipe,
    _augmented,
    _mirrored_classes,
    one_cycle,
)
from distbench_builtin.shared.models.cost import macs_and_depth
from distbench_builtin.zoos.mini import MiniZoo

NAMES = [f"{d}-{a}" for d in DOMAINS for a in ARCHITECTURES] + ["general-stu", "general-res"]
TINY = Recipe(epochs=1, images=128, test_images=50)


def _source(name: str, zoo: MiniZoo | None = None) -> MiniSource:
    return next(s for s in (zoo or MiniZoo()).sources() if s.info.name == name)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGED, tmp_path / "zoo"))


def test_the_manifest_is_complete() -> None:
    entries = MiniManifest.read(PACKAGED).sources
    assert [entry.name for entry in entries] == NAMES
    assert [entry.role for entry in entries] == ["source"] * 28 + ["generalist"] * 2
    for entry in entries:
        dataset = entry.dataset["name"]
        assert dataset == ("general" if entry.role == "generalist" else f"source-{entry.domain}")
        assert entry.classes == mini.class_names(dataset)
        assert entry.num_classes == len(entry.classes)
        assert entry.training == MiniModel(entry.domain, entry.architecture, entry.role).training(
            Recipe()
        )
        assert 0.8 < entry.accuracy <= 1


@pytest.mark.slow
def test_the_manifest_names_the_data_of_this_generator() -> None:
    for entry in MiniManifest.read(PACKAGED).sources:
        assert entry.dataset["fingerprint"] == mini.fingerprint(entry.dataset["name"]), entry.name


def test_the_folder_holds_the_weights_and_nothing_else() -> None:
    entries = MiniManifest.read(PACKAGED).sources
    files = {entry.file for entry in entries}
    assert {path.name for path in PACKAGED.iterdir()} == files | {"zoo.json"}
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) <= 8_000_000


def test_all_weights_are_those_of_the_manifest() -> None:
    for source in MiniZoo().sources():
        source.verify()


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_those_of_the_network(name: str) -> None:
    source = _source(name)
    net = source.module()
    macs, depth = macs_and_depth(net, 32)
    assert sum(p.numel() for p in net.parameters()) == source.info.parameters
    assert (macs, depth) == (source.info.macs, source.info.depth)
    images = torch.zeros(3, 3, 32, 32)
    features, logits = source.open(torch.device("cpu"))(images)
    assert features.shape == (3, source.info.feature_dim)
    assert logits.shape == (3, source.info.num_classes)
    assert features.dtype == logits.dtype == torch.float32
    assert not logits.requires_grad
    assert torch.equal(net.eval()(images), logits)


def test_a_source_knows_what_it_was_trained_on() -> None:
    info = _source("birds-fast").info
    assert (info.domain, info.trained_on) == ("birds", ("mini-source-birds",))
    assert (info.input_size, info.mean[0], info.std[0]) == (32, 0.5, 0.25)
    assert (info.activation, info.licence, info.role) == ("softmax", "Apache-2.0", "source")
    assert _source("general-res").info.role == "generalist"


def test_the_stored_accuracy_is_what_the_stored_weights_reach() -> None:
    entry = next(e for e in MiniManifest.read(PACKAGED).sources if e.name == "cats-dw")
    pictures = mini.images("source-cats", "test", 500)
    normalised = torch.from_numpy((pictures.astype(np.float32) / 255 - 0.5) / 0.25)
    _, logits = _source("cats-dw").open(torch.device("cpu"))(normalised.permute(0, 3, 1, 2))
    right = logits.argmax(dim=1).numpy() == mini.labels("source-cats", "test", 500)
    assert right.mean() == pytest.approx(entry.accuracy, abs=0.004)


def test_listing_sources_reads_no_weights_and_needs_no_torch(copied: Path) -> None:
    for weights in copied.glob("*.safetensors"):
        weights.write_bytes(b"")
    listed = [source.info for source in MiniZoo(path=copied).sources()]
    assert listed == [source.info for source in MiniZoo().sources()]
    child = (
        "import sys\nfrom distbench_builtin.zoos.mini import MiniZoo\nMiniZoo().sources()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0


def test_a_flipped_byte_is_found(copied: Path) -> None:
    source = _source("glyphs-dw", MiniZoo(path=copied))
    wanted = source.info.fingerprint
    content = bytearray(source.path.read_bytes())
    content[-1] ^= 1
    source.path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        source.verify()
    found = hashlib.sha256(content).hexdigest()
    assert f"SHA-256 {found[:12]} instead of {wanted[:12]}" in str(caught.value)
    assert "source 'glyphs-dw'" in str(caught.value)
    assert "`distbench zoo build mini`" in str(caught.value)
    _source("glyphs-fast", MiniZoo(path=copied)).verify()


def test_missing_and_cut_weights_are_told(copied: Path) -> None:
    source = _source("cats-res", MiniZoo(path=copied))
    source.path.write_bytes(source.path.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"cannot load weights from .*cats-res\.safetensors"):
        source.open(torch.device("cpu"))
    source.path.unlink()
    with pytest.raises(WeightsError, match=r"source 'cats-res' in .* No such file"):
        source.verify()


def test_weights_of_another_network_do_not_fit(copied: Path) -> None:
    shutil.copy(copied / "cats-dw.safetensors", copied / "cats-res.safetensors")
    with pytest.raises(WeightsError, match="Missing key"):
        _source("cats-res", MiniZoo(path=copied)).module()


def test_a_folder_without_a_readable_manifest(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no mini zoo in .* Reinstall distbench"):
        MiniZoo(path=tmp_path).sources()
    (tmp_path / "zoo.json").write_text('{"format": 2, "sources": []}')
    with pytest.raises(WeightsError, match="is no manifest of a mini zoo"):
        MiniZoo(path=tmp_path).sources()


def test_a_build_can_be_repeated_resumed_and_replaced(tmp_path: Path) -> None:
    place = tmp_path / "zoos"
    first, second = place / "first", place / "second"
    lines: list[str] = []
    only = ["glyphs-fast", "glyphs-dw"]
    threads = torch.get_num_threads()
    build_zoo(first, only=only, recipe=TINY, report=lines.append)
    assert [line.split()[:2] for line in lines] == [
        ["1/2", "glyphs-fast:"],
        ["2/2", "glyphs-dw:"],
    ]
    assert torch.get_num_threads() == threads
    assert sorted(p.name for p in place.iterdir()) == ["first"]

    # One source of an interrupted build is there, a second one was cut short.
    staging = place / "second.building"
    staging.mkdir()
    (entry,) = [e for e in MiniManifest.read(first).sources if e.name == "glyphs-fast"]
    (staging / "glyphs-fast.json").write_text(entry.model_dump_json())
    shutil.copy(first / entry.file, staging)
    (staging / "glyphs-dw.json").write_text("{")
    lines.clear()
    build_zoo(second, only=only, recipe=TINY, report=lines.append)
    assert ["was there" in line for line in lines] == [True, False]
    names = {"glyphs-fast.safetensors", "glyphs-dw.safetensors", "zoo.json"}
    assert {p.name for p in second.iterdir()} == names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()

    build_zoo(second, only=["glyphs-dw"], recipe=TINY)
    assert [s.info.name for s in MiniZoo(path=second).sources()] == ["glyphs-dw"]
    assert sorted(p.name for p in place.iterdir()) == ["first", "second"]


def test_a_build_never_replaces_something_else(tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.mkdir()
    (place / "thesis.tex").touch()
    with pytest.raises(UsageError, match="holds something else than a mini zoo"):
        build_zoo(place, only=["glyphs-fast"], recipe=TINY)
    with pytest.raises(UsageError, match="holds something else than a mini zoo"):
        build_zoo(place / "thesis.tex", only=["glyphs-fast"], recipe=TINY)
    with pytest.raises(UsageError, match="no source 'glyphs-vit' in the mini zoo"):
        build_zoo(place / "new", only=["glyphs-vit"], recipe=TINY)
    assert [p.name for p in place.iterdir()] == ["thesis.tex"]


def test_only_what_stays_its_class_is_mirrored() -> None:
    assert _mirrored_classes("source-birds").all()
    assert not _mirrored_classes("source-glyphs").any()
    assert not _mirrored_classes("source-textures").any()
    names, mirrored = mini.class_names("general"), _mirrored_classes("general")
    for name, may in zip(names, mirrored, strict=True):
        assert may == (not name.startswith(("texture", "glyph"))), name


def test_augmentation_shifts_and_mirrors() -> None:
    random = torch.Generator().manual_seed(0)
    row = torch.arange(32, dtype=torch.uint8)
    batch = row[None, None, :, None].expand(64, 32, 32, 3)
    mirror = torch.arange(64) < 32
    got = _augmented(batch, mirror, 2, random)
    steps = got[:, 0, 16, 0].int() - got[:, 0, 15, 0].int()
    assert set(steps[:32].tolist()) == {-1, 1}
    assert set(steps[32:].tolist()) == {1}
    assert set((got[32:, 0, 10, 0].int() - 10).tolist()) == {-2, -1, 0, 1, 2}
    assert set(got[32:, 0, 31, 0].tolist()) == {29, 30, 31}


def test_the_learning_rate_goes_up_and_down_as_torchs_one_cycle_does() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 0.1, total_steps=744, pct_start=0.25, cycle_momentum=False
    )
    for step in range(1, 745):
        ours, rate = 0.1 * one_cycle(0.25)(step, 744), optimiser.param_groups[0]["lr"]
        assert np.float32(ours) == np.float32(rate), step
        optimiser.step()
        if step < 744:
            theirs.step()


def test_the_manifest_is_plain_json() -> None:
    table = json.loads((PACKAGED / "zoo.json").read_text(encoding="utf-8"))
    assert (table["format"], len(table["sources"])) == (1, 30)


def test_an_unknown_architecture_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'vit'; there are fast, dw, plain, res, stu"):
        nets.build("vit", 2)
