from __future__ import annotations

from typing import Any

import pytest
import torch

from distbench.plugins.registry import registry


@pytest.mark.parametrize("name", ["softmatch", "freematch"])
def test_the_loss_is_that_of_fixmatch_with_other_weights(
    name: str, transparent: Any, method_context: Any, batch_of: Any, entropy: Any
) -> None:
    made = registry().make("baseline", f"{name}:weight=0.5")
    (phase,) = made.phases(method_context)
    labelled, weak, strong = batch_of([[1.0, 2.0]], [1]), [[2.0, 0.5], [0.1, 0.4]], [[0.3, 0.1]] * 2
    given = {"labelled": labelled, "unlabelled": batch_of(weak, strong=strong)}
    value = float(phase.loss(transparent, given))
    choice = made.choice(method_context)
    guess, weights = choice(torch.tensor(weak), torch.arange(2))
    assert guess.tolist() == [0, 1]
    unlabelled = sum(
        float(w) * entropy(label, row)
        for w, label, row in zip(weights, [0, 1], strong, strict=True)
    )
    penalty = choice.penalty(torch.tensor(strong), weights)
    wanted = entropy(1, [1.0, 2.0]) + 0.5 * unlabelled / 2 + float(penalty or 0)
    assert value == pytest.approx(wanted, rel=1e-5)
    assert phase.lr == 0.01 and phase.ema is True
