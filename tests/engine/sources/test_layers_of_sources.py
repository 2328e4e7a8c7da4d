"""Sources run on a view, and layers of theirs that are kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from distbench import ArgumentError, Declined
from distbench.engine.sources.layer_cache import cached_layer, pooled
from distbench.engine.sources.source_runner import check_what, chosen, source_pass
from distbench.engine.stages import shares
from distbench.errors import MachineError
from distbench.interfaces.zoo import Source, SourceInfo
from distbench.interfaces.zoo_sources import sources_of
from distbench.plugins.registry import registry
from distbench.storage.artifact_cache.artifacts import ArtifactCache

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def source() -> Source:
    return sources_of(registry().make("zoo", "mini"))["birds-res"]


def images(count: int = 3, side: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


class OnnxLike(Source):
    """A source without a torch module and without classes."""

    info = SourceInfo(
        name="flat",
        architecture="onnx",
        num_classes=0,
        activation="none",
        feature_dim=3,
        input_size=8,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        fingerprint="0",
    )

    def verify(self) -> None: ...

    def open(self, device: torch.device) -> Any:
        return lambda given: (given.mean((2, 3)), given.new_zeros(len(given), 0))


def test_layers_come_with_the_features_and_logits_that_are_embedded(source: Source) -> None:
    plain = source_pass(source, (), CPU)(images())
    tapped = source_pass(source, ("layers.2", "layers.5"), CPU)(images())
    assert torch.allclose(tapped.features, plain.features, atol=1e-5)
    assert torch.allclose(tapped.logits, plain.logits, atol=1e-4)
    assert tuple(tapped.layers["layers.2"].shape) == (3, 32, 16, 16)
    assert torch.allclose(tapped.layers["layers.5"].mean((2, 3)), plain.features, atol=1e-5)
    assert not tapped.logits.requires_grad and plain.layers == {}
    assert chosen(plain, "features") is plain.features
    assert chosen(plain, "logits") is plain.logits and chosen(plain, "all") is plain


def test_images_of_any_size_are_resized(source: Source) -> None:
    assert source_pass(source, (), CPU)(images(2, 48)).features.shape == (2, 96)


def test_a_source_without_classes_gives_features_alone() -> None:
    flat = OnnxLike()
    outputs = source_pass(flat, (), CPU)(images(2, 8))
    assert torch.allclose(outputs.features, images(2, 8).mean((2, 3)) * 2 - 1, atol=1e-5)
    check_what("features", flat)
    with pytest.raises(Declined, match="source 'flat' has no classes, so it gives no logits"):
        check_what("logits", flat)
    with pytest.raises(ArgumentError, match="logits, features or all, and no 'maps'"):
        check_what("maps", flat)
    with pytest.raises(Declined, match="no layers that can be reached: it is no torch module"):
        source_pass(flat, ("stem",), CPU)


def test_a_layer_is_kept_as_it_was_pooled(source: Source, tmp_path: Path) -> None:
    stored = (images(5) * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    seen = torch.from_numpy(stored).permute(0, 3, 1, 2).float() / 255
    whole = source_pass(source, ("layers.4",), CPU)(seen).layers["layers.4"].numpy()
    for number, (pool, wanted) in enumerate(
        [
            (None, whole),
            ("avg", whole.mean((2, 3))),
            (4, whole.reshape(5, 64, 4, 2, 4, 2).mean((3, 5))),
        ]
    ):
        kept = cached_layer(
            ArtifactCache(tmp_path), f"{number}" * 64, source, "layers.4", pool, stored, CPU
        )
        assert kept.dtype == np.float16 and isinstance(kept, np.memmap)
        np.testing.assert_allclose(kept.astype(float), wanted, atol=5e-3)
    again = cached_layer(ArtifactCache(tmp_path), "0" * 64, OnnxLike(), "x", None, stored, CPU)
    np.testing.assert_allclose(again.astype(float), whole, atol=5e-3)


def test_a_large_batch_goes_through_in_shares_with_the_same_bits(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = images(70)
    stored = (given * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    cache = ArtifactCache(tmp_path)

    def seen() -> list[torch.Tensor]:
        plain, tapped = (source_pass(source, names, CPU)(given) for names in ((), ("layers.4",)))
        of_layers = [tapped.layers["layers.4"], tapped.features, tapped.logits]
        return [plain.features, plain.logits, *of_layers]

    def kept(number: int) -> list[bytes]:
        return [
            cached_layer(
                cache, f"{number}{i}" * 32, source, "layers.4", pool, stored, CPU
            ).tobytes()
            for i, pool in enumerate((None, "avg", 4))
        ]

    whole, layers = seen(), kept(0)
    counts: list[int] = []
    real = shares.shares
    monkeypatch.setattr(shares, "_AT_ONCE", 20 * 32**2)
    monkeypatch.setattr(shares, "shares", lambda *a: counts.extend(real(*a)) or real(*a))
    assert all(torch.equal(some, one) for some, one in zip(seen(), whole, strict=True))
    assert counts == [20, 20, 30] * 2
    assert kept(1) == layers
    assert max(counts) == 30


def test_what_does_not_fit_the_disk_is_refused_with_its_size(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=600_000))
    stored = np.zeros((40, 32, 32, 3), np.uint8)
    cache = ArtifactCache(tmp_path)
    with pytest.raises(MachineError) as caught:
        cached_layer(cache, "0" * 64, source, "layers.2", None, stored, CPU)
    assert "layer 'layers.2' of source 'birds-res' on 40 images takes 1 MB" in str(caught.value)
    assert 'ask for it pooled (pool="avg"' in str(caught.value)
    assert cached_layer(cache, "1" * 64, source, "layers.2", "avg", stored, CPU).shape == (40, 32)


@pytest.mark.parametrize(
    ("shape", "pool", "message"),
    [
        ((2, 5, 8), 2, r"a layer of shape \(5, 8\) is no map that has 2 cells a side"),
        ((2, 5, 8, 8), 0, 'pool is 0; give "avg", a number of cells a side, or None'),
        ((2, 5, 8, 8), "max", "pool is 'max'"),
    ],
)
def test_layers_that_cannot_be_pooled_so(shape: tuple[int, ...], pool: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        pooled(torch.zeros(shape), pool)


def test_tokens_are_averaged() -> None:
    tokens = torch.rand(2, 5, 8)
    assert torch.equal(pooled(tokens, "avg"), tokens.mean(1))
