"""A distiller of one's own beside DistillWeighted.

    python examples/distiller.py [STEPS]

The student learns what the nearest labelled images, as each source sees them, are labelled as.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import distbench
from distbench import Distiller, MethodContext, Phase, primary


class NeighbourVotes(Distiller):
    """The votes of the nearest labelled images, averaged over weighted sources, as soft labels."""

    needs = frozenset({"features"})

    k: int = primary(5, gt=0, description="neighbours")
    lr: float = 0.03

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase: cross-entropy with the labels and with the votes."""
        from torch.nn.functional import cross_entropy

        from distbench import Stream

        def loss(student: Any, batch: Any) -> Any:
            labelled, more = batch["labelled"], batch["unlabelled"]
            supervised = cross_entropy(student(labelled.views["weak"]), labelled.labels)
            votes = cross_entropy(student(more.views["weak"]), more.targets["votes"])
            return 0.5 * (supervised + votes)

        size = context.protocol.batch
        votes = self.votes(context).astype(np.float32)
        streams = {
            "labelled": Stream(context.labelled, size, labels=context.labels),
            "unlabelled": Stream(context.unlabelled, size, targets={"votes": votes}),
        }
        return [Phase(context.protocol.steps, streams, loss, lr=self.lr)]

    def votes(self, context: MethodContext) -> np.ndarray:
        """Class probabilities of all train images, (n, classes)."""
        known = np.eye(len(context.classes))[context.labels[context.labelled]]  # (labelled, c)
        total = np.zeros((len(context.labels), len(context.classes)))
        for source in context.sources:
            x = np.asarray(source.embedding.features)  # (n, d)
            x = x / np.linalg.norm(x, axis=1, keepdims=True)
            near = np.argsort(-x @ x[context.labelled].T, axis=1)[:, : self.k]  # (n, k)
            total += source.weight * known[near].mean(axis=1)
        return total


def main(steps: int | None = None) -> None:
    """Compares it with DistillWeighted and fine-tuning on two drawn tasks.

    Args:
        steps: Optimiser steps of a student; the suite's if None.
    """
    result = distbench.run(
        plugin=__file__,
        distiller=("neighbour_votes", "pseudo_labels"),
        baseline="finetune",
        task="mini-cub",
        steps=steps,
    )
    for row in result.rows:
        if row.result is not None:
            print(f"{100 * row.result.accuracy:.1f} %  {row.task.id:10s} {row.method.id}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
