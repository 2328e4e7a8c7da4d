"""Test probabilities on a disk: compact, in order, bound to their row."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.storage.home import home
from distbench.storage.probabilities import (
    MOST_CLASSES,
    fit,
    kept_logs,
    probabilities,
    probabilities_digest,
    read_logs,
    write_logs,
)
from distbench.storage.row_store import RowStore

LOGS = np.log(np.array([[0.7, 0.2, 0.1], [0.00001, 0.00001, 0.99998]]))


def test_they_are_read_as_they_were_up_to_eleven_bits_and_sum_to_one() -> None:
    kept = kept_logs(LOGS)
    assert kept is not None
    assert (kept.dtype, kept.nbytes) == (np.dtype("<f2"), 12)
    values = probabilities(kept)
    assert values.sum(axis=1) == pytest.approx([1, 1], abs=1e-15)
    assert values == pytest.approx(np.exp(LOGS), rel=6e-3)
    assert 1 - values[1, 2] == pytest.approx(2e-5, rel=0.01), "near 1, where float16 has no digits"
    own = probabilities(kept, several=True)
    assert own == pytest.approx(np.exp(kept.astype("f8")), rel=1e-15)


def test_a_certain_mistake_stays_finite() -> None:
    kept = kept_logs(np.array([[0.0, -1e6]]))
    assert kept is not None
    assert kept.tolist() == [[0.0, -65504.0]]


def test_none_are_kept_of_more_than_a_thousand_classes() -> None:
    assert kept_logs(np.full((1, MOST_CLASSES), -6.9)) is not None
    assert kept_logs(np.full((1, MOST_CLASSES + 1), -6.9)) is None


def test_the_digest_is_of_the_bytes_as_they_lie_in_the_file(tmp_path: Path) -> None:
    kept = kept_logs(LOGS)
    assert kept is not None
    digest = hashlib.sha256(np.asarray(kept, "<f2").tobytes()).hexdigest()
    assert probabilities_digest(kept) == digest
    path = tmp_path / "deep" / "one.npy"
    write_logs(path, kept)
    assert path.stat().st_size == 128 + 12
    assert np.array_equal(read_logs(path, digest), kept)  # type: ignore[arg-type]
    assert read_logs(path, "0" * 64) is None
    assert read_logs(tmp_path / "none.npy", digest) is None
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:40], b"", b"\x93NUMPY", whole.replace(b"<f2", b"<i2")):
        path.write_bytes(damaged)
        assert read_logs(path, digest) is None


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "evil.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    assert read_logs(path, "0" * 64) is None


@pytest.mark.parametrize(
    ("logs", "predictions", "right"),
    [
        ([[-0.1, -3], [-2, -0.2]], [0, 1], True),
        ([[-0.5, -0.5]], [1], True),  # rounded to a tie
        ([[-0.1, -3], [-2, -0.2]], [0, 0], False),
        ([[-0.1, -3]], [2], False),
        ([[-0.1, -3]], [0, 0], False),
        ([[np.nan, -3]], [1], False),
        ([[0.5, -3]], [0], False),
        ([-0.1], [0], False),
    ],
)
def test_whether_they_fit_predictions(logs: Any, predictions: Any, right: bool) -> None:
    assert fit(np.array(logs, "<f2"), np.array(predictions)) is right


@pytest.fixture
def one(toy_options: dict[str, Any]) -> Any:
    """A run of one cell."""
    options = {**toy_options, "task": ("toy_task",), "distiller": "none", "baseline": "finetune"}
    return lambda: distbench.run(**options)


def test_a_run_keeps_them_and_says_the_same_as_its_predictions(one: Any) -> None:
    made = one()
    (row,) = made.rows
    values = made.probabilities(row)
    assert values.shape == (row.result.parts.test, len(row.task.classes))
    assert np.array_equal(values.argmax(axis=1), made.predictions(row))
    labels = np.arange(len(values)) % values.shape[1]
    assert (values.argmax(axis=1) == labels).mean() == pytest.approx(row.result.accuracy)
    assert row.schema_version == 3
    logs = open_run(made.folder).logs(row)
    assert probabilities_digest(logs) == row.result.probabilities_digest


def test_lost_ones_are_written_again_and_a_lost_cell_is_computed_again(one: Any) -> None:
    made = one()
    (row,) = made.rows
    beside = made.folder / "probabilities" / f"{row.key}.npy"
    whole = beside.read_bytes()
    beside.write_bytes(whole[:-1] + b"x")
    (made.folder / "probabilities" / "stranger.npy").write_bytes(b"")
    assert made.probabilities(row) is None
    assert one().computed == 0
    assert beside.read_bytes() == whole
    assert [path.name for path in beside.parent.iterdir()] == [beside.name]
    RowStore(home() / "cells").path(row.key).with_suffix(".npy").unlink()
    again = one()
    assert (again.computed, again.rows[0].result) == (1, row.result)
