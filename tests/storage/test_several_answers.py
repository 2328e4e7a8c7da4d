"""Answers on images that may show several classes: judged, kept and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distbench.storage.hits import LABELS, read_test_labels, write_test_labels
from distbench.storage.predictions import (
    accuracy,
    answered_rightly,
    balanced_accuracy,
    compact,
    predictions_digest,
    read_predictions,
    write_predictions,
)
from distbench.storage.probabilities import fit, kept_logs

Y = np.array([[1, 0], [0, 0], [1, -1], [0, 1]])
P = np.array([[1, 0], [0, 1], [1, 1], [1, 1]])


def test_an_image_is_right_where_all_that_is_known_of_it_is() -> None:
    assert answered_rightly(P, Y).tolist() == [True, False, True, False]
    assert accuracy(P, Y) == 0.5


def test_balanced_accuracy_is_over_classes_and_both_answers() -> None:
    # class 0: 2 of 2 that show it, 1 of 2 that do not; class 1: 1 of 1, and 1 of 2
    assert balanced_accuracy(P, Y) == pytest.approx(((1 + 1 / 2) / 2 + (1 + 1 / 2) / 2) / 2)


def test_predictions_come_back(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    write_predictions(path, {"x": P})
    digest = predictions_digest(P)
    again = read_predictions(path, "x", digest)
    assert again is not None and np.array_equal(again, P) and again.dtype == np.int64
    assert read_predictions(path, "x", predictions_digest(1 - P)) is None
    write_predictions(path, {"x": P * 2})  # no answer is 2
    assert read_predictions(path, "x", predictions_digest(P * 2)) is None
    with pytest.raises(ValueError, match="class number"):
        compact(P * 3)


def test_test_labels_come_back_with_what_is_not_known(tmp_path: Path) -> None:
    single = np.array([0, 2, 1])
    write_test_labels(tmp_path, {"several": Y, "single": single})
    write_test_labels(tmp_path, {})  # what lies there stays
    assert (tmp_path / LABELS).exists()
    kept = read_test_labels(tmp_path)
    assert np.array_equal(kept["several"], Y) and np.array_equal(kept["single"], single)


def test_probabilities_go_with_what_is_named_from_a_half_on() -> None:
    logits = np.array([[2.0, -1.0], [-0.1, 0.0]])
    logs = kept_logs(-np.logaddexp(0, -logits))
    assert logs is not None
    named = np.array([[1, 0], [0, 1]])
    assert fit(logs, named)
    assert not fit(logs, 1 - named) and not fit(logs, np.array([[1, 1], [0, 1]]))
    assert not fit(logs, named[:, :1]) and not fit(-logs, named)
