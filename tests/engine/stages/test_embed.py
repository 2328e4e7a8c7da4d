"""Embedding: what is stored, that interruption costs little, several sources in one pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from distbench import Source, SourceInfo, WeightsError
from distbench.engine.sources import embedding_cache as building
from distbench.engine.sources.embedding_cache import build_embeddings
from distbench.engine.sources.stored_embeddings import is_finite, open_embedding
from distbench.engine.stages import embed as stage
from distbench.engine.stages import embedding_writer as outputs
from distbench.engine.stages import shares as of_source
from distbench.engine.stages.embed import (
    Order,
    embed_many,
    normalise,
)
from distbench.engine.training.batches import batches, to_batch
from distbench.interfaces.suite import Protocol
from distbench.storage.artifact_cache.artifacts import ArtifactCache

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 24, 24, 3), dtype=np.uint8)


class Counting(Source):
    """A small random network that counts batches, and stops at one if told so."""

    def __init__(self, number: int = 0, size: int = 16, stop_at: int | None = None, **changed):
        self.number, self.stop_at, self.batches, self.opened = number, stop_at, 0, 0
        self.factor = 1.0
        self.info = SourceInfo(
            name=f"s{number}",
            architecture="toy",
            num_classes=3 + number,
            feature_dim=5,
            input_size=size,
            mean=(0.1 * number, 0.2, 0.3),
            std=(0.229, 0.224, 0.225),
            fingerprint=str(number),
            parameters=100,
        ).model_copy(update=changed)

    def verify(self) -> None:
        pass

    def open(self, device):
        self.opened += 1
        generator = torch.Generator().manual_seed(self.number)
        kernel = torch.randn(5, 3, 3, 3, generator=generator)
        head = torch.randn(3 + self.number, 5, generator=generator) * self.factor

        def forward(images):
            if self.stop_at is not None and self.batches >= self.stop_at:
                raise KeyboardInterrupt
            self.batches += len(images) > 2  # those on which it is tried do not count
            assert images.shape[1:] == (3, self.info.input_size, self.info.input_size)
            features = torch.relu(torch.nn.functional.conv2d(images, kernel)).mean((2, 3))
            return features, features @ head.T

        return forward


def embed(source, images, folder, device, *, precision="fp32", partial=None):
    embed_many([Order(source, folder, partial)], images, device, precision=precision)


def made(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def in_a_process(function: str, *paths: Path) -> subprocess.Popen[bytes]:
    """A function of this file in a fresh process."""
    code = (
        "import runpy, sys; from pathlib import Path; "
        "runpy.run_path(sys.argv[1])[sys.argv[2]](*map(Path, sys.argv[3:]))"
    )
    return subprocess.Popen([sys.executable, "-c", code, __file__, function, *map(str, paths)])


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    """What an undisturbed embedding by source 0 leaves."""
    embed(Counting(), IMAGES, new(tmp_path / "whole"), CPU)
    return made(tmp_path / "whole")


def test_what_is_stored(tmp_path):
    source = Counting(2)
    embed(source, IMAGES, new(tmp_path / "e"), CPU)
    assert sorted(made(tmp_path / "e")) == ["facts.json", "features.npy", "logits.npy"]
    found = open_embedding(tmp_path / "e")
    assert (found.features.shape, found.features.dtype) == ((300, 5), np.float32)
    assert (found.logits.shape, found.logits.dtype) == ((300, 5), np.float16)
    assert is_finite(tmp_path / "e")
    info, forward = source.info, source.open(CPU)
    for start in (0, 128, 256):
        batch = to_batch(IMAGES[start : start + 128], 16, CPU)
        features, logits = forward(normalise(batch, info.mean, info.std))
        assert (found.features[start : start + 128] == features.numpy()).all()
        assert (found.logits[start : start + 128] == logits.numpy().astype(np.float16)).all()


@pytest.mark.parametrize(("factor", "finite"), [(1e7, True), (float("nan"), False)])
def test_logits_that_do_not_fit_stay_in_float32(tmp_path, factor, finite):
    source = Counting()
    source.factor = factor
    embed(source, IMAGES, new(tmp_path / "e"), CPU)
    found = open_embedding(tmp_path / "e")
    assert found.logits.dtype == np.float32
    assert is_finite(tmp_path / "e") is finite
    assert np.isfinite(found.features).all()


def test_wrong_shapes_are_named(tmp_path):
    message = r"'s0' gives logits of shape \(128, 3\) for 128 images; its num_classes = 9 means"
    with pytest.raises(WeightsError, match=message):
        embed(Counting(num_classes=9), IMAGES, new(tmp_path / "e"), CPU)
    with pytest.raises(WeightsError, match=r"gives features of shape \(128, 5\)"):
        embed(Counting(feature_dim=4), IMAGES, new(tmp_path / "f"), CPU)


def test_no_images_at_all(tmp_path):
    embed(Counting(), IMAGES[:0], new(tmp_path / "e"), CPU)
    assert np.load(tmp_path / "e" / "features.npy").shape == (0, 5)


def test_batches_are_what_to_batch_gives():
    found = list(batches(IMAGES, [(s, "bilinear") for s in (24, 16, 40)], 128, CPU, start=128))
    assert [first for first, _ in found] == [128, 256]
    for first, by_size in found:
        for (size, _), batch in by_size.items():
            assert torch.equal(batch, to_batch(IMAGES[first : first + 128], size, CPU))


def test_a_reader_that_is_given_up_stops():
    others = set(threading.enumerate())
    reader = batches(IMAGES, [(16, "bilinear")], 32, CPU, start=0)
    next(reader)
    (reading,) = set(threading.enumerate()) - others
    # Closing waits for the thread: elsewhere, so that a thread which goes on fails the test.
    closing = threading.Thread(target=reader.close, daemon=True)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()
    assert not reading.is_alive()


# --- interruption -------------------------------------------------------------------------------


def test_goes_on_where_it_was_interrupted(tmp_path, whole):
    partial = tmp_path / "partial"
    with pytest.raises(KeyboardInterrupt):
        embed(Counting(stop_at=2), IMAGES, new(tmp_path / "a"), CPU, partial=partial)
    assert json.loads((partial / "progress.json").read_text())["rows"] == 256
    assert made(tmp_path / "a") == {}
    again = Counting()
    embed(again, IMAGES, new(tmp_path / "b"), CPU, partial=partial)
    assert again.batches == 1
    assert made(tmp_path / "b") == whole
    # What is whole but was not taken over is not computed again either.
    third = Counting()
    embed(third, IMAGES, new(tmp_path / "c"), CPU, partial=partial)
    assert (third.batches, third.opened) == (0, 0)
    assert made(tmp_path / "c") == whole


@pytest.mark.slow
def test_killed_processes_lose_only_what_was_not_kept(tmp_path, whole):
    partial = tmp_path / "partial"
    child = in_a_process("_embed_and_die", tmp_path / "a", partial)
    assert child.wait() == 9
    again = Counting()
    embed(again, IMAGES, new(tmp_path / "b"), CPU, partial=partial)
    assert again.batches == 2
    assert made(tmp_path / "b") == whole


def _embed_and_die(folder: Path, partial: Path) -> None:
    """One batch is safely on the disk, the second is written, in the third the process dies."""
    torch.set_num_threads(1)
    append = outputs.EmbeddingWriter.append

    def appending(self, *said):
        outputs._KEEP_SECONDS = 0.0 if self.rows == 0 else 1e9
        append(self, *said)
        if self.rows > 256:
            os._exit(9)

    outputs.EmbeddingWriter.append = appending
    folder.mkdir()
    embed(Counting(), IMAGES, folder, CPU, partial=partial)


@pytest.mark.parametrize("change", ["count", "width", "damage", "missing", "way"])
def test_a_draft_of_something_else_is_not_gone_on_with(tmp_path, whole, change, monkeypatch):
    partial = tmp_path / "partial"
    first = Counting(stop_at=1, feature_dim=5)
    images = IMAGES[:299] if change == "count" else IMAGES
    if change == "width":
        first = Counting(1, stop_at=1)
    with monkeypatch.context() as patch:
        if change == "way":
            patch.setattr(torch, "__version__", "0.1")
        with pytest.raises(KeyboardInterrupt):
            embed(first, images, new(tmp_path / "a"), CPU, partial=partial)
    if change == "damage":
        (partial / "progress.json").write_text("{")
    if change == "missing":
        (partial / "logits.draft").unlink()
    again = Counting()
    embed(again, IMAGES, new(tmp_path / "b"), CPU, partial=partial)
    assert again.batches == 3
    assert made(tmp_path / "b") == whole


# --- several sources ----------------------------------------------------------------------------


def sources() -> list[Counting]:
    return [Counting(0), Counting(1), Counting(2, size=24), Counting(3, size=16)]


def test_together_as_alone(tmp_path, monkeypatch):
    read = []
    real = stage.batches
    monkeypatch.setattr(stage, "batches", lambda *a: read.append(a[1]) or real(*a))
    for source in sources():
        embed(source, IMAGES, new(tmp_path / f"alone-{source.number}"), CPU)
    del read[:]
    orders = [Order(s, new(tmp_path / f"together-{s.number}")) for s in sources()]
    embed_many(orders, IMAGES, CPU)
    assert read == [[(16, "bilinear", 1.0), (24, "bilinear", 1.0)]]
    for order in orders:
        number = order.source.number
        assert made(order.folder) == made(tmp_path / f"alone-{number}")


def test_each_goes_on_from_where_it_is(tmp_path, whole):
    with pytest.raises(KeyboardInterrupt):
        embed(Counting(stop_at=2), IMAGES, new(tmp_path / "a"), CPU, partial=tmp_path / "p0")
    both = [Counting(0), Counting(1)]
    embed_many(
        [Order(s, new(tmp_path / f"{s.number}"), tmp_path / f"p{s.number}") for s in both],
        IMAGES,
        CPU,
    )
    assert [source.batches for source in both] == [1, 3]
    assert made(tmp_path / "0") == whole


@pytest.mark.parametrize(
    ("count", "side", "shares"),
    [(128, 32, [128]), (128, 160, [16] * 8), (44, 224, [16, 28]), (31, 224, [31]), (9, 224, [9])],
)
def test_how_many_images_a_source_sees_at_once(count, side, shares):
    assert of_source.shares(count, side, "cpu") == shares
    assert of_source.shares(count, side, "cuda") == [count], "a GPU takes the whole batch"
    parts = of_source.shared_out(torch.arange(count).view(-1, 1, 1, 1), side)
    assert [len(part) for part in parts] == shares
    assert torch.cat(parts).flatten().tolist() == list(range(count))


def test_a_gpu_sees_large_images_in_shares_too():
    assert of_source.shares(128, 1024, "cuda") == [32] * 4


def test_seen_some_at_a_time_they_give_the_same(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(of_source, "_AT_ONCE", 1)
    embed(Counting(), IMAGES, new(tmp_path / "e"), CPU)
    assert made(tmp_path / "e") == whole


def test_building_by_key(tmp_path, whole):
    cache = ArtifactCache(tmp_path / "artifacts")
    opened = []

    def images(_):
        opened.append(1)
        return IMAGES

    first = build_embeddings(cache, {"aa": Counting(0)}, images, CPU, Protocol())
    beside = ("manifest", "timed", "verified")
    assert {k: v for k, v in made(first["aa"]).items() if not k.startswith(beside)} == whole
    every = {"cc": Counting(2), "aa": Counting(0), "bb": Counting(1)}
    found = build_embeddings(cache, every, images, CPU, Protocol())
    assert list(found) == ["cc", "aa", "bb"]
    assert found["aa"] == first["aa"]
    assert [every[key].batches for key in ("aa", "bb", "cc")] == [0, 3, 3]
    assert len(opened) == 2
    assert build_embeddings(cache, every, images, CPU, Protocol()) == found
    assert len(opened) == 2
    assert list((tmp_path / "artifacts" / "partial").iterdir()) == []


def test_building_is_interrupted_and_goes_on(tmp_path):
    cache = ArtifactCache(tmp_path / "artifacts")
    with pytest.raises(KeyboardInterrupt):
        build_embeddings(
            cache,
            {"a": Counting(0), "b": Counting(1, stop_at=2)},
            lambda _: IMAGES,
            CPU,
            Protocol(),
        )
    assert cache.get("embeddings", "a") is None
    assert cache.unfinished("embeddings", "b").is_dir()
    again = {"a": Counting(0), "b": Counting(1)}
    found = build_embeddings(cache, again, lambda _: IMAGES, CPU, Protocol())
    assert [source.batches for source in again.values()] == [0, 1]
    assert open_embedding(found["b"]).features.shape == (300, 5)
    assert list((tmp_path / "artifacts" / "partial").iterdir()) == []


def test_sources_that_do_not_fit_together_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_GROUP_BYTES", 900)
    cache, opened = ArtifactCache(tmp_path / "artifacts"), []
    wanted = {str(number): Counting(number) for number in range(5)}
    build_embeddings(cache, wanted, lambda _: opened.append(1) or IMAGES, CPU, Protocol())
    assert len(opened) == 3


def test_two_that_want_the_same_do_not_mix(tmp_path, whole):
    both = [{key: Counting("ab".index(key)) for key in order} for order in ("ab", "ba")]
    ready = threading.Barrier(2)

    def build(wanted):
        ready.wait()
        return build_embeddings(
            ArtifactCache(tmp_path / "made"), wanted, lambda _: IMAGES, CPU, Protocol()
        )

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(build, both))
    assert found[0] == found[1]
    assert whole.items() <= made(found[0]["a"]).items()
    assert sum(source.batches for wanted in both for source in wanted.values()) == 6


# --- precision ----------------------------------------------------------------------------------


def test_the_cpu_keeps_its_precision(tmp_path, whole):
    embed(Counting(), IMAGES, new(tmp_path / "e"), CPU, precision="bf16")
    assert made(tmp_path / "e") == whole


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_mixed_precision_on_an_accelerator(tmp_path):
    device = torch.device("cuda")
    for precision in ("fp32", "bf16"):
        embed(Counting(), IMAGES, new(tmp_path / precision), device, precision=precision)
    exact, mixed = (open_embedding(tmp_path / p).features for p in ("fp32", "bf16"))
    assert mixed.dtype == np.float32
    assert 0 < np.abs(exact - mixed).max() < 0.05
