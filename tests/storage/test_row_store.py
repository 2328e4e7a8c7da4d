"""Rows and their predictions on a disk: written together, read together, of every schema."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distbench
from distbench.engine.records.run_folder import merge_runs, open_run
from distbench.errors import UsageError
from distbench.storage.home import home
from distbench.storage.predictions import (
    accuracy,
    balanced_accuracy,
    compact,
    predictions_digest,
    write_predictions,
)
from distbench.storage.row_schemas import NewerSchemaError, read_row
from distbench.storage.row_store import RowStore
from distbench.storage.rows import SCHEMA, Row

Options = dict[str, Any]


@pytest.fixture
def one(toy_options: Options) -> Any:
    """A run of one cell."""
    options = {**toy_options, "task": ("toy_task",), "distiller": "none", "baseline": "finetune"}
    return lambda: distbench.run(**options)


def sealed(text: str) -> bytes:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{{"sha256":"{digest}","row":{text}}}'.encode()


def older(row: Row, predictions: Any) -> str:
    """A row as schema 1 wrote it."""
    table = row.model_dump(mode="json")
    table["schema_version"] = 1
    if table["result"] is not None:
        del table["result"]["predictions_digest"], table["result"]["probabilities_digest"]
        table["result"]["predictions"] = [int(p) for p in predictions]
    return json.dumps(table)


def read_of_older(row: Row) -> Row:
    """The row that such a one is read as: of schema 2, without probabilities."""
    bare = row.result and row.result.model_copy(update={"probabilities_digest": None})
    return row.model_copy(update={"schema_version": 2, "result": bare})


@pytest.mark.parametrize(
    ("numbers", "kind"), [([0, 255], np.uint8), ([256], np.uint16), ([70_000], np.uint32)]
)
def test_predictions_take_the_smallest_type_and_one_digest(numbers: list[int], kind: type) -> None:
    assert compact(numbers).dtype == kind
    digest = predictions_digest(np.array(numbers))
    assert digest == predictions_digest(compact(numbers))
    assert digest == hashlib.sha256(np.array(numbers, "<i4").tobytes()).hexdigest()


@pytest.mark.parametrize("wrong", [[], [-1], [0.5], [2**31], ["a"], [[3]], [[[1]]], [True]])
def test_what_is_no_prediction(wrong: Any) -> None:
    with pytest.raises(ValueError, match="prediction"):
        compact(wrong)


def test_accuracies() -> None:
    labels = np.array([0, 0, 0, 1])
    assert accuracy(np.array([0, 0, 1, 1], np.uint8), labels) == 0.75
    assert balanced_accuracy(np.array([0, 0, 1, 1], np.uint8), labels) == (2 / 3 + 1) / 2


def test_a_cell_is_a_row_and_its_predictions_beside_it(one: Any) -> None:
    made = one()
    row = made.rows[0]
    store = RowStore(home() / "cells")
    assert sorted(p.suffix for p in store.path(row.key).parent.iterdir()) == [
        ".json",
        ".npy",
        ".safetensors",
    ]
    assert store.path(row.key).with_suffix(".safetensors").stat().st_size < 150
    assert b"predictions_digest" in store.path(row.key).read_bytes()
    assert np.array_equal(store.predictions(row.key), made.predictions(row))
    assert store.predictions("0" * 64) is None


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["gone", "cut", "altered", "other", "not a file of tensors"])
def test_a_row_without_its_predictions_counts_as_not_there(one: Any, damage: str) -> None:
    first = one()
    row = first.rows[0]
    beside = RowStore(home() / "cells").path(row.key).with_suffix(".safetensors")
    whole = beside.read_bytes()
    if damage == "gone":
        beside.unlink()
    elif damage == "other":
        write_predictions(beside, {"predictions": np.full(30, 7)})
    else:
        flipped = whole[:-1] + bytes([whole[-1] ^ 1])
        beside.write_bytes({"cut": whole[:-3], "altered": flipped}.get(damage, b"x" * 40))
    again = one()
    assert again.computed == 1
    assert again.rows[0].result == row.result
    assert beside.read_bytes() == whole


def test_a_folder_in_place_of_predictions_is_named(one: Any) -> None:
    beside = RowStore(home() / "cells").path(one().rows[0].key).with_suffix(".safetensors")
    beside.unlink()
    beside.mkdir()
    (failed,) = one().failed
    assert failed.reason == f"a folder lies where a file belongs; remove it ({beside})"


def test_predictions_are_written_before_their_row(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, store = one().rows[0], RowStore(home() / "other")
    stored = RowStore(home() / "cells")
    predictions, logs = stored.predictions(row.key), stored.logs(row)

    def crash(path: Path, data: object) -> None:
        raise OSError("the power went")

    monkeypatch.setattr("distbench.storage.row_store.write_atomic", crash)
    with pytest.raises(OSError, match="the power went"):
        store.put(row, predictions, logs)
    assert store.get(row.key) is None
    beside = sorted(p.suffix for p in store.path(row.key).parent.iterdir())
    assert beside == [".npy", ".safetensors"]
    monkeypatch.undo()
    with pytest.raises(ValueError, match="is done but lacks its predictions"):
        store.put(row)
    with pytest.raises(ValueError, match="is done but lacks its predictions"):
        store.put(row, np.full(30, 7))
    for wrong in (None, np.zeros((30, 3), "<f2")):
        with pytest.raises(ValueError, match="has other probabilities than these"):
            store.put(row, predictions, wrong)
    store.put(row, predictions, logs)
    store.put(row.model_copy(update={"status": "failed", "reason": "later", "result": None}))
    assert store.get(row.key) == row, "a failure replaces nothing that is done"


def test_cells_of_schema_1_are_used_as_they_are(one: Any) -> None:
    first = one()
    row = first.rows[0]
    path = RowStore(home() / "cells").path(row.key)
    predictions = first.predictions(row)
    path.write_bytes(sealed(older(row, predictions)))
    path.with_suffix(".safetensors").unlink()
    path.with_suffix(".npy").unlink()
    before = path.read_bytes()
    again = one()
    assert again.computed == 0
    assert again.rows == (read_of_older(row),), "result and digest are those of schema 2"
    assert again.probabilities(again.rows[0]) is None
    assert np.array_equal(again.predictions(row), predictions)
    assert path.read_bytes() == before


def test_run_folders_of_schema_1_are_read_and_joined(one: Any) -> None:
    made = one()
    row, predictions = made.rows[0], made.predictions(made.rows[0])
    (made.folder / "rows.jsonl").write_text(older(row, predictions) + "\n")
    (made.folder / "predictions.safetensors").unlink()
    run = open_run(made.folder)
    assert run.rows == (read_of_older(row),)
    assert np.array_equal(run.predictions(row), predictions)
    _, rows, slice_of = merge_runs([run], Path("joined"))
    assert np.array_equal(slice_of(rows[0]).predictions(rows[0]), predictions)


def test_a_run_folder_that_lost_its_predictions_says_what_to_do(one: Any) -> None:
    made = one()
    (made.folder / "predictions.safetensors").unlink()
    run = open_run(made.folder)
    with pytest.raises(UsageError, match="does not hold the predictions of finetune on toy_task"):
        run.predictions(run.rows[0])
    assert one().computed == 0
    assert run.predictions(run.rows[0]) is not None


def test_a_cell_that_is_not_done_has_no_predictions(toy_options: Options) -> None:
    made = distbench.run(**{**toy_options, "distiller": "none", "baseline": "misbehaving:raise"})
    assert [made.predictions(row) for row in made.rows] == [None, None]
    assert read_row(older(made.rows[0], None)) == (read_of_older(made.rows[0]), None)


def test_a_newer_schema_is_one_clear_error(one: Any) -> None:
    made = one()
    row = made.rows[0]
    path = RowStore(home() / "cells").path(row.key)
    text = row.model_dump_json().replace('"schema_version":3', '"schema_version":4,"new":1')
    path.write_bytes(sealed(text))
    wanted = f"a row has schema 4, this distbench reads up to {SCHEMA}: made by a newer distbench"
    with pytest.raises(NewerSchemaError, match=wanted):
        one()
    assert path.read_bytes() == sealed(text), "nothing of the newer one is replaced"
    (made.folder / "rows.jsonl").write_text(text + "\n")
    with pytest.raises(UsageError, match="upgrade"):
        open_run(made.folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"predictions": "0,1"},
        {"predictions": [0.5]},
        {"predictions": [-1]},
        {"predictions": [10**30]},
        {"predictions": []},
    ],
)
def test_a_row_of_schema_1_with_wrong_predictions_is_no_row(one: Any, change: Options) -> None:
    made = one()
    table = json.loads(older(made.rows[0], made.predictions(made.rows[0])))
    table["result"] |= change
    with pytest.raises(ValueError, match="prediction"):
        read_row(json.dumps(table))
