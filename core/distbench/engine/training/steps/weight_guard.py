"""Weights change in the optimiser's step and nowhere else, or the training is refused."""

from __future__ import annotations

import torch
from torch import nn

from distbench.errors import DistbenchError

_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers as wide as a weight, by bytes."""


class WeightGuard:
    """Compares weights with what they were after the last step that counted.

    Who writes into a weight raises its version, which is seen at once. Writes through ``.data`` do
    not, so that the bits are summed too: exact, whatever the layout, threads or NaN. Sums stay on
    the device until they are settled, so that a step does not wait for it.

    Args:
        phase: Name of the phase, for the error.
        models: Whose weights are watched.
    """

    def __init__(self, phase: str, *models: nn.Module) -> None:
        self._phase, self._models = phase, models
        self._moved: torch.Tensor | None = None
        self.seal()

    def seal(self) -> None:
        """Weights are from now on what they are."""
        self._versions, self._sums = self._written(), self._bits()

    def look(self) -> None:
        """Compares weights with those that were sealed.

        Raises:
            DistbenchError: Somebody wrote into one, or put another in its place.
        """
        if self._written() != self._versions:
            raise self._error()
        moved = (self._bits() != self._sums).any()
        self._moved = moved if self._moved is None else self._moved | moved

    def settle(self) -> None:
        """Waits for what was seen.

        Raises:
            DistbenchError: The bits of a weight were others at a look.
        """
        if self._moved is not None and bool(self._moved):
            raise self._error()

    def _weights(self) -> list[nn.Parameter]:
        return [weight for model in self._models for weight in model.parameters()]

    def _written(self) -> list[tuple[int, int]]:
        return [(id(weight), weight._version) for weight in self._weights()]

    def _bits(self) -> torch.Tensor:
        """The sum of each weight's bits read as integers, which may overflow, (w,)."""
        sums = []
        for weight in self._weights():
            bits = weight.detach().view(_INTEGERS[weight.element_size()])
            sums.append(bits.sum(dtype=bits.dtype).long())
        return torch.stack(sums) if sums else torch.zeros(0)

    def _error(self) -> DistbenchError:
        return DistbenchError(
            f"phase {self._phase!r} changes weights of the model outside its optimiser's step: in "
            "its loss, views or schedule, in a forward pass, or where the optimiser is made. Leave "
            "that to the step, which is counted (torch.func.functional_call tries other weights)"
        )
