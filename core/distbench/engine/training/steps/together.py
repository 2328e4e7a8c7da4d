"""Several optimisers that a phase trains with as if they were one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


class Together(torch.optim.Optimizer):
    """Several optimisers, each for weights of its own, that take their steps together.

    A phase has one optimiser: ``Phase(optimiser=lambda model, modules: Together(SGD(...),
    Adam(...)))`` trains the student by one and extra modules by another. The phase's schedule
    holds for the peak rates of all; a weight whose gradient is None in a step stays as it is, so
    that a loss may give the parts their turns.

    Args:
        optimisers: Of torch, with their peak learning rates.

    Raises:
        ValueError: Two of them move the same weight.
    """

    def __init__(self, *optimisers: torch.optim.Optimizer) -> None:
        groups = [group for optimiser in optimisers for group in optimiser.param_groups]
        weights = [id(weight) for group in groups for weight in group["params"]]
        if len(set(weights)) < len(weights):
            raise ValueError("two optimisers move the same weight; give each weight to one of them")
        super().__init__([{"params": group["params"]} for group in groups], {})
        self.param_groups = groups  # theirs, so that rates that are set here are set there
        self._optimisers = optimisers

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """A step of each."""
        for optimiser in self._optimisers:
            optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of all."""
        return {"together": [optimiser.state_dict() for optimiser in self._optimisers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes them up again."""
        for optimiser, state in zip(self._optimisers, state_dict["together"], strict=True):
            optimiser.load_state_dict(state)
        self.param_groups = [group for o in self._optimisers for group in o.param_groups]
