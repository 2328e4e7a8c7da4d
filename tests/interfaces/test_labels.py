from __future__ import annotations

import numpy as np
import pytest

from distbench import Labels


def test_labels_are_numbers_where_an_array_is_wanted() -> None:
    labels = Labels([3, 3, 7])
    assert np.asarray(labels).tolist() == [0, 0, 1]
    assert np.array(labels, dtype=np.float32).tolist() == [0.0, 0.0, 1.0]
    assert np.unique(labels).tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(labels)[0] = 1


@pytest.mark.parametrize("other", [0, np.array([0, 0, 1]), "a", None])
def test_labels_cannot_be_compared_as_a_whole(other: object) -> None:
    with pytest.raises(TypeError, match=r"compare their numbers, e.g. probe.labels.ids == 0"):
        _ = Labels([3, 3, 7]) == other
