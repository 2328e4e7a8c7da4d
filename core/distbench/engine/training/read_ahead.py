"""The rows of the next batch, read while the network computes on this one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.storage.npy import Images, is_large, randomly_read

Gathered = dict[str, torch.Tensor]
_reading = ThreadPoolExecutor(4, "reading")


class RowReader:
    """Gathers rows of some arrays by their positions, those of the next batch perhaps beforehand.

    It pays where rows come from a disk or go to another device; else it would be in the way of
    what computes, and nothing is read beforehand.

    Args:
        arrays: By name, each (n, ...), perhaps memory-mapped or decoded when they are read.
        as_floats: Names of those that are wanted in float32.
        device: Where the rows are brought.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any] | Images],
        as_floats: frozenset[str],
        device: torch.device,
    ) -> None:
        # Memory-mapped arrays are indexed as plain ones: every step reads a few rows of each.
        self._arrays = {name: _indexed(rows) for name, rows in arrays.items()}
        self._floats, self._device = as_floats, device
        self.ahead = device.type == "cuda" or any(map(_takes_time, arrays.values()))
        self._next: tuple[NDArray[np.int64], Future[Gathered]] | None = None

    def rows(self, positions: NDArray[np.int64]) -> Gathered:
        """The rows at some positions, on the device."""
        expected, self._next = self._next, None
        if expected is not None and np.array_equal(expected[0], positions):
            gathered = expected[1].result()
        else:
            gathered = self._gather(positions)
        return {name: rows.to(self._device, non_blocking=True) for name, rows in gathered.items()}

    def expect(self, positions: NDArray[np.int64]) -> None:
        """Says which rows are wanted next; they are read by another thread."""
        if self.ahead:
            self._next = positions, _reading.submit(self._gather, positions)

    def _gather(self, positions: NDArray[np.int64]) -> Gathered:
        gathered = {}
        for name, array in self._arrays.items():
            rows = array[positions]
            tensor = torch.from_numpy(
                np.asarray(rows, np.float32) if name in self._floats else rows
            )
            gathered[name] = tensor.pin_memory() if self._device.type == "cuda" else tensor
        return gathered


def _indexed(rows: NDArray[Any] | Images) -> NDArray[Any] | Images:
    return np.asarray(randomly_read(rows)) if isinstance(rows, np.ndarray) else rows


def _takes_time(rows: NDArray[Any] | Images) -> bool:
    """Whether reading rows is worth a thread of its own: from a large file, or to be decoded."""
    return is_large(rows) if isinstance(rows, np.ndarray) else True
