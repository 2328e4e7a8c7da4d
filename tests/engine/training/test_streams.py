"""Streams of batches: what must fit the images, and what a view cannot do to the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distbench import Stream, TrainingSetting
from distbench.engine.training.streams import BatchStream
from distbench.errors import ArgumentError

PICTURES = np.random.default_rng(0).integers(0, 255, (20, 8, 8, 3), dtype=np.uint8)
SETTING = TrainingSetting(PICTURES, 8, torch.device("cpu"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": np.zeros(5, int)}, r"labels of shape \(5,\) for 20 images.*the train images"),
        ({"labels": np.zeros(21, int)}, r"labels of shape \(21,\) for 20 images"),
        ({"targets": {"t": np.zeros((5, 3))}}, r"targets 't' of shape \(5, 3\) for 20 images"),
        ({"targets": {"t": torch.zeros(19)}}, r"targets 't' of shape \(19,\) for 20 images"),
        ({"targets": {"t": 1.0}}, r"targets 't' of shape \(\) for 20 images"),
        ({"positions": [0, 20]}, r"positions outside 0\.\.19"),
        ({"positions": [-1]}, r"positions outside 0\.\.19"),
    ],
)
def test_what_does_not_fit_the_images_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        BatchStream(Stream(**{"positions": np.arange(5), "batch": 2, **given}), SETTING, 0)


def test_a_view_that_writes_changes_what_no_other_sees() -> None:
    def writes(stored: torch.Tensor, positions: torch.Tensor, draw: Any) -> torch.Tensor:
        stored.zero_()
        positions.fill_(-7)
        return stored

    def shows(stored: torch.Tensor, positions: torch.Tensor, draw: Any) -> torch.Tensor:
        assert (positions >= 0).all()
        return stored

    stream = Stream(np.arange(20), 6, {"first": writes, "second": shows})
    batch = next(BatchStream(stream, SETTING, 0))
    assert torch.equal(batch.views["second"], torch.from_numpy(PICTURES[batch.positions]))
    assert (batch.views["first"] == 0).all()
