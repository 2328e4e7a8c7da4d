"""What a stream and a phase take, of whichever library, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distbench import Phase, Stream


@pytest.mark.parametrize(
    "positions",
    [
        [3, 1, 2],
        (3, 1, 2),
        torch.tensor([3, 1, 2]),
        np.array([3, 1, 2], dtype=np.uint8),
        np.array([3, 1, 2], dtype=np.int32),
    ],
)
def test_positions_of_any_library_are_whole_numbers_of_its_own(positions: Any) -> None:
    stream = Stream(positions, 2)
    assert stream.positions.dtype == np.int64
    assert stream.positions.tolist() == [3, 1, 2]
    positions = np.asarray(positions)
    with pytest.raises(ValueError, match="read-only"):
        stream.positions[0] = 0


def test_positions_are_copied() -> None:
    positions = np.arange(3)
    stream = Stream(positions, 2)
    positions[:] = 9
    assert stream.positions.tolist() == [0, 1, 2]
    assert Stream([], 2).positions.shape == (0,)


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (np.ones(4, dtype=bool), r"boolean mask; give np\.flatnonzero\(mask\)"),
        (torch.ones(4) > 0, "boolean mask"),
        (np.arange(3.0), r"positions are float64 \(3,\); give whole numbers"),
        (np.arange(4).reshape(2, 2), r"positions are int64 \(2, 2\)"),
        (5, r"positions are int64 \(\)"),
        (["a"], "positions are <U1"),
        (None, "positions are object"),
    ],
)
def test_what_are_no_positions(positions: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stream(positions, 2)


@pytest.mark.parametrize(
    "labels", [np.zeros(3), np.zeros((3, 2, 1), int), 1, ["a", "b"], torch.zeros(3)]
)
def test_what_are_no_labels(labels: Any) -> None:
    with pytest.raises(ValueError, match=r"labels are .*; give class numbers"):
        Stream([0], 1, labels=labels)


@pytest.mark.parametrize("labels", [[0, 1], torch.tensor([0, 1]), np.array([0, 1], np.uint8)])
def test_labels_of_any_library_are_int64(labels: Any) -> None:
    given = Stream([0], 1, labels=labels).labels
    assert given is not None
    assert (given.dtype, given.tolist()) == (np.int64, [0, 1])


@pytest.mark.parametrize("batch", [0, -1, 2.0, True, "2", None, np.float32(2)])
def test_what_is_no_batch(batch: Any) -> None:
    with pytest.raises(ValueError, match="it is a whole number of images, 1 at least"):
        Stream([0], batch)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    stream = Stream([0], np.int64(2))  # type: ignore[arg-type]
    phase = Phase(np.int32(6), {"x": stream}, loss=print, lr=np.float32(0.5))  # type: ignore[arg-type]
    shown = phase.declared()
    assert (type(shown["steps"]), type(shown["lr"])) == (int, float)
    assert shown["images_per_step"] == {"x": {"weak": 2}}
    assert type(shown["images_per_step"]["x"]["weak"]) is int
