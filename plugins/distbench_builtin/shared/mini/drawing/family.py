"""What a family of classes is: an attribute table and a way to draw its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from distbench_builtin.shared.mini.drawing.bits import Bits, IntArray

Row = Mapping[str, str]


class Draw(Protocol):
    """Draws a batch of images, one per row of attribute indices."""

    def __call__(
        self, attributes: Mapping[str, IntArray], bits: Bits, clutter: bool
    ) -> npt.NDArray[np.uint8]:
        """Return images of shape ``(bits.images, 32, 32, 3)``."""


def anything(row: Row) -> bool:
    """Accept every row."""
    return True


@dataclass(frozen=True)
class Family:
    """A kind of picture whose classes are rows of a discrete attribute table.

    Attributes:
        name: Name of the family.
        attributes: Values of each attribute.
        draw: Draws images from attribute indices.
        lead: The attribute whose values a dataset's classes spread evenly over.
        allowed: Tells rows that make sense, and that look different from each other.
        silent: Values left out of class names.
        prefix: First word of class names; left out, the name of the family.
    """

    name: str
    attributes: Mapping[str, Sequence[str]]
    draw: Draw
    lead: str
    allowed: Callable[[Row], bool] = anything
    silent: frozenset[str] = frozenset({"plain", "none"})
    prefix: str | None = None
