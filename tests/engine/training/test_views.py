"""Views beyond plain, weak and strong; mixtures; and images drawn by weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distbench import (
    RandomResizedCrop,
    Stream,
    StrongView,
    TrainingSetting,
    WeakView,
    class_balanced,
    cutmix,
    mixup,
)
from distbench.engine.training.batches import to_floats
from distbench.engine.training.streams import BatchStream


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, side: int = 32) -> torch.Tensor:
    """uint8 (n, s, s, 3): red grows to the right, green downwards."""
    along = torch.linspace(0, 255, side).to(torch.uint8)
    stored = torch.zeros(count, side, side, 3, dtype=torch.uint8)
    stored[..., 0], stored[..., 1] = along[None, None, :], along[None, :, None]
    return stored


def batches(views: Any, **more: Any) -> BatchStream:
    stream = Stream(np.arange(20), 8, views, **{"labels": np.arange(20) % 4, **more})
    setting = TrainingSetting(pictures(20, 16).numpy(), 8, torch.device("cpu"), flip=True)
    return BatchStream(stream, setting, 3)


def test_one_image_has_several_views() -> None:
    def own(stored: torch.Tensor, positions: torch.Tensor, generator: Any) -> torch.Tensor:
        return positions.float()

    crop = RandomResizedCrop(size=4)
    wanted = {"a": "strong", "b": "strong", "plain": "plain", "c": own, "part": crop}
    batch = next(batches(wanted))
    views = batch.views
    assert list(views) == list(wanted)
    assert views["a"].shape == views["plain"].shape == (8, 3, 8, 8)
    assert not torch.equal(views["a"], views["b"])
    assert torch.equal(views["c"], batch.positions.float())
    assert views["part"].shape == (8, 3, 4, 4)


def test_names_alone_draw_what_they_drew() -> None:
    plain = next(batches(("weak", "strong"))).views
    mapped = next(batches({"weak": "weak", "strong": "strong"})).views
    assert torch.equal(plain["weak"], mapped["weak"])
    assert torch.equal(plain["strong"], mapped["strong"])


def test_no_view_is_mirrored_where_images_may_not_be() -> None:
    images = pictures(200)
    crop = RandomResizedCrop((0.5, 1.0))
    for view in (WeakView(shift=0.0), crop, WeakView(mirror=False, shift=0.0)):
        red = view.make(images, 32, False, draw())[:, 0]
        assert (red[:, :, -1] > red[:, :, 0]).all(), "red grows to the right"
    for view in (WeakView(shift=0.0), crop):
        red = view.make(images, 32, True, draw())[:, 0]
        mirrored = (red[:, 0, -1] < red[:, 0, 0]).float().mean()
        assert 0.35 < float(mirrored) < 0.65
    still = WeakView(mirror=False, shift=0.0).make(images, 32, True, draw())
    assert torch.equal(still, to_floats(images, 32))
    assert StrongView(0, mirror=False).make(images, 32, True, draw()).shape == (200, 3, 32, 32)


def test_a_crop_is_a_part_of_the_wanted_size_and_shape() -> None:
    view = RandomResizedCrop((0.25, 0.25), (1.0, 1.0), mirror=False)
    made = view.make(pictures(300, 64), 32, True, draw())
    red, green = made[:, 0], made[:, 1]
    # A quarter of the area at equal sides: half of each side's run of values.
    for run in (red[:, 16, -1] - red[:, 16, 0], green[:, -1, 16] - green[:, 0, 16]):
        assert run.mean().item() == pytest.approx(0.5 * 31 / 32, abs=0.02)
    assert float(red[:, :, 0].min()) < 0.02 and float(red[:, :, -1].max()) > 0.98, "anywhere"
    wide = RandomResizedCrop((0.25, 0.25), (4.0, 4.0), mirror=False)
    made = wide.make(pictures(50, 64), 32, True, draw())
    width = (made[:, 0, 16, -1] - made[:, 0, 16, 0]).mean().item()
    height = (made[:, 1, -1, 16] - made[:, 1, 0, 16]).mean().item()
    assert width / height == pytest.approx(4.0, rel=0.1)
    whole = RandomResizedCrop((1.0, 1.0), (1.0, 1.0), mirror=False)
    assert torch.allclose(
        whole.make(pictures(2), 32, True, draw()), to_floats(pictures(2), 32), atol=1e-5
    )


def test_colours_go_and_edges_blur_as_often_as_is_asked_for() -> None:
    stored = torch.randint(0, 256, (400, 16, 16, 3), dtype=torch.uint8, generator=draw(1))
    whole = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0), "mirror": False}
    grey = RandomResizedCrop(**whole, decoloured=0.2).make(stored, 16, True, draw())  # type: ignore[arg-type]
    share = (grey[:, 0] == grey[:, 1]).all((1, 2)).float().mean()
    assert share.item() == pytest.approx(0.2, abs=0.06)
    plain = to_floats(stored, 16)
    blurred = RandomResizedCrop(**whole, blurred=1.0).make(stored, 16, True, draw())  # type: ignore[arg-type]
    assert blurred.var().item() <= plain.var().item()
    assert torch.allclose(blurred.mean((2, 3)), plain.mean((2, 3)), atol=0.05)
    jittered = RandomResizedCrop(**whole, jitter=0.5).make(stored, 16, True, draw())  # type: ignore[arg-type]
    assert float(jittered.min()) >= 0 and float(jittered.max()) <= 1
    assert not torch.allclose(jittered, plain, atol=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": (0.0, 1.0)}, "scale is"),
        ({"ratio": (2.0, 1.0)}, "ratio is"),
        ({"scale": (1, 2)}, "at most the whole"),
    ],
)
def test_crops_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RandomResizedCrop(**wrong)


def test_mixtures_are_of_two_images_and_their_labels() -> None:
    torch.manual_seed(0)
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 8, 8).contiguous()
    targets = torch.eye(6)
    numbers = torch.arange(6.0)
    for alpha in (0.2, 1.0, 8.0):
        mixed, soft = mixup(images, targets, alpha)
        assert torch.allclose(mixed[:, 0, 0, 0], soft @ numbers, atol=1e-5)
        assert torch.allclose(soft.sum(1), torch.ones(6))
        cut, soft = cutmix(images, targets, alpha)
        assert torch.allclose(cut.mean((1, 2, 3)), soft @ numbers, atol=1e-5)
    shares = [float(mixup(images, targets, 1.0)[1].diagonal().min()) for _ in range(400)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.06), "uniform"
    with pytest.raises(ValueError, match="alpha is 0"):
        mixup(images, targets, 0)


def test_images_are_drawn_by_weight_and_go_on_where_they_were() -> None:
    labels = np.array([0] * 16 + [1] * 4)
    weights = class_balanced(labels)
    assert weights.tolist() == [1 / 16] * 16 + [1 / 4] * 4
    stream = batches(("plain",), labels=labels, weights=weights)
    drawn = torch.cat([next(stream).labels for _ in range(200)])
    assert drawn.float().mean().item() == pytest.approx(0.5, abs=0.05)
    state = stream.state_dict()
    rest = [next(stream).positions for _ in range(3)]
    again = batches(("plain",), labels=labels, weights=weights)
    again.load_state_dict(state)
    assert all(torch.equal(next(again).positions, one) for one in rest)
    never = batches(("plain",), weights=(np.arange(20) > 9).astype(float))
    assert int(torch.cat([next(never).positions for _ in range(20)]).min()) == 10


@pytest.mark.parametrize(
    ("weights", "more", "message"),
    [
        (np.ones(3), {}, r"weights have shape \(3,\); give one for each of the 20 positions"),
        (-np.ones(20), {}, "weights are finite, >= 0 and not all 0"),
        (np.zeros(20), {}, "not all 0"),
        (np.full(20, np.nan), {}, "finite"),
        (np.ones(20), {"drop_last": True}, "there are no epochs"),
    ],
)
def test_weights_that_will_not_do(weights: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stream(np.arange(20), 8, weights=weights, **more)
