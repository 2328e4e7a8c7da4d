"""Mean average precision of logits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distbench.engine.training.average_precision import mean_average_precision


def test_by_hand() -> None:
    """Ranks of the shown images are 1 and 3: (1/1 + 2/3) / 2."""
    logits, labels = np.array([[3.0], [2.0], [1.0], [0.0]]), np.array([[1], [0], [1], [0]])
    assert mean_average_precision(logits, labels) == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("seed", range(4))
def test_as_scikit_learn_has_it_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.integers(0, 5, (30, 3)).astype(np.float32)
    labels = rng.integers(-1, 2, (30, 3))
    wanted = [
        average_precision_score(labels[k, c], logits[k, c])
        for c in range(3)
        for k in [labels[:, c] >= 0]
    ]
    assert mean_average_precision(logits, labels) == pytest.approx(np.mean(wanted))


def test_nothing_to_order() -> None:
    assert mean_average_precision(np.ones((2, 2)), np.array([[1, 0], [1, -1]])) is None
