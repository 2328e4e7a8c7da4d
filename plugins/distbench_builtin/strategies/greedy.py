"""Ensemble selection: sources are added while the ensemble's left-out predictions get better."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import Context, Strategy, primary
from distbench_builtin.strategies._left_out import left_out
from distbench_builtin.strategies._score_scaling import Sources, Vector


class Greedy(Strategy):
    """How often each source is picked when an ensemble of linear probes is built one by one.

    Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004: starting with nothing,
    the source is added, again if need be, that makes the mean prediction of all picks best; weights
    are shares of the picks. Predictions here are those of a linear probe on each source's features
    (ridge regression on the labels), of each labelled image by the probe that has not seen it, so
    that no image is held back; best has the least squared error, which moves where accuracy on
    few images does not. That, and the number of picks, are ours.
    """

    needs_scores: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ("greedy", "greedy:5")

    picks: int = primary(20, ge=1, description="how often a source is added")

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """Share of the picks that fell on each source; of equal ones the first is picked.

        Raises:
            Declined: There is no context.
        """
        outputs, truth = left_out(context, sources, "greedy")
        return picked(outputs, truth, self.picks) / self.picks


def picked(outputs: Vector, truth: Vector, picks: int) -> Vector:
    """How often each of s predictions (s, n, C) is picked."""
    counts, total = np.zeros(len(outputs)), np.zeros_like(truth)
    for number in range(1, picks + 1):
        errors = ((total + outputs) / number - truth) ** 2  # (s, n, C)
        best = int(errors.sum(axis=(1, 2)).argmin())
        counts[best] += 1
        total += outputs[best]
    return counts
