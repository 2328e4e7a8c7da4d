from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from distbench.engine.training.augment import _POOL, VIEWS, _cutout, strong_view, weak_view


def images(count: int = 12, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


PIXELS = [0.57196259, 0.50474602, 0.6953125, 0.21128106, 0.953125, 0.32661027]


def seeded(number: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_keeps_shape_and_range_and_follows_its_seed(view: str) -> None:
    x = images()
    out = VIEWS[view](x.clone(), seeded(), True)
    assert out.shape == x.shape
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(out, VIEWS[view](x.clone(), seeded(), True))
    if view != "plain":
        assert not torch.equal(out, VIEWS[view](x.clone(), seeded(2), True))


def test_weak_moves_and_flips_whole_images() -> None:
    x = images(200)
    out = weak_view(x, seeded())
    reach = 16 // 8
    flipped = 0
    for image, moved in zip(x, out, strict=True):
        padded = torch.nn.functional.pad(image[None], (reach,) * 4, mode="reflect")[0]
        crops = [
            padded[:, i : i + 16, j : j + 16]
            for i in range(2 * reach + 1)
            for j in range(2 * reach + 1)
        ]
        mirrored = any(torch.equal(crop.flip(2), moved) for crop in crops)
        assert mirrored or any(torch.equal(crop, moved) for crop in crops)
        flipped += mirrored
    assert 70 < flipped < 130


def test_weak_without_a_mirror_or_a_shift() -> None:
    x = torch.rand(40, 3, 16, 16, generator=seeded())
    assert torch.equal(weak_view(x, seeded(), mirror=False, shift=0), x)
    turned = weak_view(x, seeded(), shift=0)
    same = (turned == x).flatten(1).all(1)
    assert 8 < int(same.sum()) < 32
    assert torch.equal(turned[~same], x[~same].flip(3))
    moved = weak_view(x, seeded(), mirror=False, shift=1 / 16)
    inner = moved[:, :, 1:-1, 1:-1]  # of each image a window of the original
    windows = [x[:, :, r : r + 14, c : c + 14] for r in range(3) for c in range(3)]
    assert torch.stack([(w == inner).flatten(1).all(1) for w in windows]).any(0).all()


class Copies(TorchDispatchMode):
    """Counts copies from the host to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [arg for arg in args if isinstance(arg, torch.Tensor)]
        elsewhere = isinstance(out, torch.Tensor) and out.device.type != "cpu"
        self.count += elsewhere and any(t.device.type == "cpu" and t.ndim for t in tensors)
        return out


@pytest.mark.parametrize("view", ["weak", "strong"])
def test_what_is_drawn_goes_to_the_device_at_once(view: str) -> None:
    with Copies() as copies:
        VIEWS[view](torch.empty(200, 3, 16, 16, device="meta"), seeded(), True)
    assert copies.count == 1


def test_the_numbers_of_a_view_stay_as_they_are() -> None:
    """A view of other bits would ask for other keys of all cells that train on it."""
    out = strong_view(images(32), seeded())
    pixels = out[:, 0, 8, 8][[0, 5, 11, 17, 23, 31]]
    assert pixels.tolist() == pytest.approx(PIXELS, rel=1e-5)


def test_strong_cuts_a_grey_square_out() -> None:
    centres = torch.randint(0, 32, (2, 200), generator=seeded())
    out = _cutout(torch.ones(200, 3, 32, 32), centres)
    grey = (out == 0.5).all(1).float().mean((1, 2))
    assert grey.max() == 0.25
    assert grey.min() >= 0.25 / 4
    assert (strong_view(torch.ones(9, 3, 32, 32), seeded()) == 0.5).flatten(1).any(1).all()


def test_images_are_augmented_one_by_one() -> None:
    out = strong_view(images(1).expand(40, -1, -1, -1).contiguous(), seeded())
    assert len({tuple(image.flatten()[:50].tolist()) for image in out}) > 35


def test_operations_on_known_pictures() -> None:
    by_name = {op.__name__: op for op in _POOL}
    grey = torch.full((1, 3, 4, 4), 0.3)
    level, sign = torch.full((1, 1, 1, 1), 0.5), torch.ones(1, 1, 1, 1)
    half = 0.05 + 0.9 * 0.5
    assert torch.allclose(by_name["_brightness"](grey, level, sign), grey * half)
    assert torch.allclose(by_name["_colour"](grey, level, sign), grey, atol=1e-3)
    assert torch.allclose(by_name["_contrast"](grey, level, sign), grey, atol=1e-3)
    assert torch.allclose(by_name["_sharpness"](grey, level, sign), grey)
    assert torch.allclose(by_name["_solarize"](grey, level, sign), grey)
    assert torch.allclose(by_name["_solarize"](1 - grey, level, sign), grey)
    assert torch.allclose(by_name["_rotate"](grey * 0 + 0.5, level, sign), grey * 0 + 0.5)
    ramp = torch.linspace(0.2, 0.6, 16).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    stretched = by_name["_autocontrast"](ramp, level, sign)
    assert stretched.min() == 0 and stretched.max() == 1
    assert len(by_name["_posterize"](ramp, level * 0, sign).unique()) <= 16
    spread = by_name["_equalize"](ramp, level, sign)
    assert torch.allclose(spread[0, 0].flatten(), torch.arange(1, 17) / 16)
