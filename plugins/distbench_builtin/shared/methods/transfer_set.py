"""Which images a distiller distils on: the task's own, a folder's, or those retrieved from it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from distbench import Distiller, MethodContext, Task, Transfer, UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Stream

    Pool = Literal["train", "transfer"]
    Targets = Mapping[str, NDArray[np.floating]]


class TransferDistiller(Distiller, ABC):
    """A distiller whose transfer set is a parameter.

    The set is the task's own unlabelled images; or all images of `transfer`; or, with `budget`,
    those of them that are nearest to the labelled images, and the labelled images themselves, as
    Vemulapalli et al. (ICML 2024) curate theirs. `own` adds the task's unlabelled images. A batch
    holds task and transfer images in the proportion in which there are such images.
    """

    transfer: Task | None = Field(
        None,
        description="images to distil on instead of the task's own unlabelled ones, for example "
        '"images:path=DIR"; must not hold test images of the task',
    )
    budget: int | None = Field(
        None,
        ge=2,
        description="size of a set retrieved from `transfer`, the labelled images counted in; "
        "none for all of it",
    )
    encoder: str | None = Field(
        None, description="source whose features retrieve; none for the heaviest"
    )
    own: bool = Field(False, description="with `transfer`: the task's own unlabelled images too")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.transfer is None and (self.budget is not None or self.own):
            given = "budget" if self.budget is not None else "own"
            raise UsageError(f'{given} needs images to add: give transfer="images:path=DIR"')
        if self.encoder is not None and self.budget is None:
            raise UsageError("encoder retrieves images: give budget=N, how many")
        return self

    def transfer_set(self) -> Transfer | None:
        if self.transfer is None:
            return None
        return Transfer(self.transfer, self.budget, self.encoder)

    def pools(self, context: MethodContext) -> dict[Pool, NDArray[np.int64]]:
        """Positions of the images to distil on, among the task's and those of the transfer set."""
        if context.transfer is None:
            return {"train": context.unlabelled}
        pools: dict[Pool, NDArray[np.int64]] = {}
        if self.own:
            pools["train"] = context.unlabelled
        elif self.budget is not None:
            pools["train"] = context.labelled
        return {**pools, "transfer": context.transfer.positions}

    def streams(
        self,
        context: MethodContext,
        batch: int,
        targets: Callable[[Pool], Targets],
    ) -> dict[str, Stream]:
        """Streams ``unlabelled`` of the task's images and ``transfer``, as far as there are such.

        Args:
            context: What the method sees.
            batch: Images of a step, of all streams together.
            targets: Gives the cached arrays for the images of a place.
        """
        from distbench import Stream

        pools = self.pools(context)
        sizes = shared_out(batch, [len(positions) for positions in pools.values()])
        names: dict[Pool, str] = {"train": "unlabelled", "transfer": "transfer"}
        return {
            names[pool]: Stream(positions, size, targets=targets(pool), of=pool)
            for (pool, positions), size in zip(pools.items(), sizes, strict=True)
        }


def shared_out(batch: int, counts: Sequence[int]) -> list[int]:
    """A batch divided in proportion to the images of each pool, at least one of each."""
    if len(counts) == 1:
        return [batch]
    first = round(batch * counts[0] / sum(counts))
    first = min(max(first, 1), max(batch - 1, 1))
    return [first, max(batch - first, 1)]


def joined(batches: Mapping[str, Batch]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Weak views and targets of the streams `unlabelled` and `transfer`, one after the other."""
    import torch

    parts = [batches[name] for name in ("unlabelled", "transfer") if name in batches]
    if len(parts) == 1:
        return parts[0].views["weak"], dict(parts[0].targets)
    targets = {name: torch.cat([part.targets[name] for part in parts]) for name in parts[0].targets}
    return torch.cat([part.views["weak"] for part in parts]), targets


def which(batches: Mapping[str, Batch]) -> torch.Tensor:
    """A number for each image of `joined`, equal for equal images."""
    import torch

    numbers = [
        2 * batches[name].positions + number
        for number, name in enumerate(("unlabelled", "transfer"))
        if name in batches
    ]
    return torch.cat(numbers)
