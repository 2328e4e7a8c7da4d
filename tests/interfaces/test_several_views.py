"""Views of an image, and the mean over them, against plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from distbench.interfaces.training.views import NAMED, SeveralViews

ONE = [[2.0, 0.0], [1.0, 3.0]]
OTHER = [[0.0, 1.0], [5.0, -1.0]]


class Told(torch.nn.Module):
    """Logits that are told by the first pixel of a view."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.tensor(ONE if float(images.flatten()[0]) == 0 else OTHER)


def mean(of: str) -> torch.Tensor:
    views = ["plain", lambda images: images + 1]
    return SeveralViews(Told(), views, of)(torch.zeros(2, 3, 4, 4))  # type: ignore[arg-type]


def test_the_mean_of_logits() -> None:
    assert mean("logits").tolist() == [[1.0, 0.5], [3.0, 1.0]]


def test_the_mean_of_probabilities() -> None:
    def shares(row: list[float]) -> np.ndarray:
        raised = np.exp(row)
        return raised / raised.sum()

    wanted = [(shares(a) + shares(b)) / 2 for a, b in zip(ONE, OTHER, strict=True)]
    assert np.allclose(mean("softmax").exp(), wanted, atol=1e-6)


def test_the_mean_where_each_class_has_a_probability_of_its_own() -> None:
    found = torch.sigmoid(mean("sigmoid"))
    for i, (a, b) in enumerate(zip(ONE, OTHER, strict=True)):
        for c in range(2):
            wanted = (1 / (1 + math.exp(-a[c])) + 1 / (1 + math.exp(-b[c]))) / 2
            assert float(found[i, c]) == pytest.approx(wanted, abs=1e-6)


def resized(cut: np.ndarray, side: int) -> np.ndarray:
    """A square (k, k) resized, pixel by pixel: bilinear between the centres of pixels."""
    kept, out = len(cut), np.zeros((side, side))
    for y in range(side):
        for x in range(side):
            places = [min(max((i + 0.5) * kept / side - 0.5, 0), kept - 1) for i in (y, x)]
            (t, u), (top, left) = [p % 1 for p in places], [int(p) for p in places]
            below, right = min(top + 1, kept - 1), min(left + 1, kept - 1)
            out[y, x] = (1 - t) * ((1 - u) * cut[top, left] + u * cut[top, right]) + t * (
                (1 - u) * cut[below, left] + u * cut[below, right]
            )
    return out


@pytest.mark.parametrize(
    ("name", "top", "left"),
    [
        ("top_left", 0, 0),
        ("top_right", 0, 2),
        ("bottom_left", 2, 0),
        ("bottom_right", 2, 2),
        ("centre", 1, 1),
    ],
)
def test_crops(name: str, top: int, left: int) -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    found = NAMED[name](images)
    assert found.shape == images.shape
    wanted = resized(images[1, 2, top : top + 14, left : left + 14].double().numpy(), 16)
    assert np.allclose(found[1, 2], wanted, atol=1e-5)


def test_the_mirror_image_and_the_plain_one() -> None:
    image = torch.arange(12.0).view(1, 3, 2, 2)
    assert NAMED["flip"](image)[0, 0].tolist() == [[1.0, 0.0], [3.0, 2.0]]
    assert torch.equal(NAMED["plain"](image), image)


@pytest.mark.parametrize("name", NAMED)
def test_views_by_name_do_the_same_before_and_after_normalising(name: str) -> None:
    """So an exported student, which is given normalised images, sees what was judged."""
    images = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.3, 0.1)))
    one, other = NAMED[name]((images - mean) / std), (NAMED[name](images) - mean) / std
    assert torch.allclose(one, other, atol=1e-5)
