"""What several metrics have in common: computed once, and the same for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from distbench.interfaces.read_only import checksum, sealed

T = TypeVar("T")


class SharedValues:
    """Computes what several metrics have in common once, and knows whether it is still that."""

    _settled = False

    def __init__(self) -> None:
        self._known: dict[Callable[[Any], Any], Any] = {}
        self._handed: dict[Any, tuple[Any, int]] = {}  # by what it is called, with its checksum

    def __setattr__(self, name: str, value: Any) -> None:
        if self._settled:
            raise AttributeError(f"{name} cannot be set: other metrics are handed the same object")
        super().__setattr__(name, value)

    def _hand_out(self, name: Any, value: T) -> T:
        """A value whose arrays must stay as they are from now on."""
        self._handed[name] = value, checksum(value)
        return value

    def intact(self) -> bool:
        """Whether no array that metrics were handed was written into since, as tensors can be."""
        return all(checksum(value) == known for value, known in self._handed.values())

    def shared(self, compute: Callable[[Self], T]) -> T:
        """What ``compute(self)`` gives; computed by the first metric that asks, then remembered.

        Args:
            compute: A function of a module, the same object at every call; arrays that it returns
                are read-only from then on.
        """
        if compute not in self._known:
            self._known[compute] = self._hand_out(compute, sealed(compute(self)))
        value: T = self._known[compute]
        return value
