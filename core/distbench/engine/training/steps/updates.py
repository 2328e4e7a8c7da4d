"""How often gradients are computed and weights moved within one step of a phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from distbench.errors import DistbenchError
from distbench.interfaces.training.phase import Phase


class Updates:
    """Counts the optimiser steps and backward passes of whatever a step of a phase calls.

    What learns from features that were kept, and not from images, is seen here and by nothing else.
    Of optimisers the weight that is moved most often counts: two of them, each for weights of its
    own, take one step, as does one that wraps another.

    Args:
        phase: Says how many there are.
    """

    def __init__(self, phase: Phase) -> None:
        self._phase = phase
        self._backward = self._within = 0
        self._open: list[bool] = []  # of each step under way, whether another one ran within it
        self._moved: dict[int, list[Any]] = {}  # number of a weight to how often, and the weight

    @contextmanager
    def counting(self) -> Iterator[None]:
        """One step of the phase.

        Raises:
            DistbenchError: It took more than the phase declares.
        """
        self._backward = 0
        self._open.clear()
        self._moved.clear()
        autograd: Any = torch.autograd  # what all of its functions go through has no other name
        run_backward = autograd._engine_run_backward

        def counted(*given: Any, **more: Any) -> Any:
            if torch.compiler.is_compiling():  # derives what will go backward, and computes nothing
                return run_backward(*given, **more)
            self._backward += not self._within  # checkpoints go backward within a pass
            self._within += 1
            try:
                return run_backward(*given, **more)
            finally:
                self._within -= 1

        hooks = (
            register_optimizer_step_pre_hook(self._begins),
            register_optimizer_step_post_hook(self._ends),
        )
        autograd._engine_run_backward = counted
        try:
            yield
        finally:
            autograd._engine_run_backward = run_backward
            for hook in hooks:
                hook.remove()
        self._check()

    def _begins(self, *_: Any) -> None:
        if self._open:
            self._open[-1] = True
        self._open.append(False)

    def _ends(self, optimiser: torch.optim.Optimizer, *_: Any) -> None:
        if self._open.pop():
            return
        for group in optimiser.param_groups:
            for weight in group["params"]:
                self._moved.setdefault(id(weight), [0, weight])[0] += 1

    def _check(self) -> None:
        steps = max((times for times, _ in self._moved.values()), default=0)
        self._moved.clear()
        if max(steps, self._backward) > self._phase.passes:
            name, passes = self._phase.name, self._phase.passes
            raise DistbenchError(
                f"phase {name!r} takes {steps:,} optimiser steps and {self._backward:,} backward "
                f"passes within one of its steps and declares {passes:,}: say so by "
                "Phase(passes=...); each of them counts as a step of the protocol's"
            )
