"""A task whose images lie in pools, found when they are first asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from distbench import Task, TaskIndex
from distbench_builtin.shared.images.pool import Pool


class PooledTask(Task, ABC):
    """Reads the parts that `_find` finds, once."""

    _found: tuple[TaskIndex, dict[str, Pool]] | None = PrivateAttr(None)

    def index(self) -> TaskIndex:
        """Classes, parts and labels.

        Raises:
            DataError: Something is not on this machine, or not what it should be.
        """
        return self._load()[0]

    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:
        return self._load()[1][part].read(positions, None)

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`, but what is much larger than a short side of `side` may come smaller."""
        return self._load()[1][part].read(positions, side)

    def _load(self) -> tuple[TaskIndex, dict[str, Pool]]:
        if self._found is None:
            self._found = self._find()
        return self._found

    @abstractmethod
    def _find(self) -> tuple[TaskIndex, dict[str, Pool]]:
        """The index, and by part a pool of its images."""
