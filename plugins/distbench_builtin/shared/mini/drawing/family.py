"""What a family of classes is: an attribute table and a way to draw its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .bits import Bits, ByteArray, IntArray

Row = Mapping[str, str]
Attributes = Mapping[str, IntArray]
"""For each attribute, which of its values each image has."""


class Draw(Protocol):
    """Draws a batch of images, one per row of attribute indices."""

    def __call__(self, attributes: Attributes, bits: Bits, clutter: bool) -> ByteArray:
        """Return images of shape ``(bits.images, 32, 32, 3)``."""


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
    allowed: Callable[[Row], bool] = lambda row: True
    silent: frozenset[str] = frozenset({"plain", "none"})
    prefix: str | None = None
