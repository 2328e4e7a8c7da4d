"""Results as data frames, and as tables in a notebook."""

from __future__ import annotations

from typing import Any

import distbench


def test_runs_and_boards_are_tables(toy_options: dict[str, Any]) -> None:
    result = distbench.run(**{**toy_options, "baseline": ("finetune",), "strategy": "equal"})
    cells = result.to_pandas()
    assert list(cells.columns[:5]) == ["method", "task", "seed", "status", "reason"]
    assert list(cells["accuracy"]) == [row.result.accuracy for row in result.rows if row.result]
    assert list(cells["key"]) == [row.key for row in result.rows]
    assert result.board is not None
    board = result.board.to_pandas()
    assert set(board["method"]) == {"finetune", "label_propagation/equal", "pseudo_labels/equal"}
    assert {"first_rank", *result.board.tasks, "mean", "p_holm"} <= set(board.columns)
    assert board["mean"].between(0, 1).all()
    for shown in (result, result.board):
        html = shown._repr_html_()
        assert html.startswith("<table") and "pseudo_labels/equal" in html
        printed = repr(shown)
        assert printed.startswith(f"{type(shown).__name__}\n") and "pseudo_labels/equal" in printed
        assert len(printed) < 4000


def test_rankings_are_tables(toy_options: dict[str, Any]) -> None:
    options = {key: toy_options[key] for key in ("plugin", "labelled", "image_size")}
    one = distbench.rank("toy_task", "toy_zoo", metric="knn", **options)
    frame = one.to_pandas()
    assert list(frame["source"]) == list(one.scores)
    assert list(frame["score"]) == list(one.scores.values())
    assert list(frame["place"]) == list(one.places.values())
    several = distbench.rank("toy_task", "toy_zoo", metric=["knn", "logme"], **options)
    assert list(several.to_pandas().groupby("metric").size()) == [3, 3]
    assert "<table" in several._repr_html_() and "toy-1" in several._repr_html_()


def test_names_are_text_in_a_table() -> None:
    from distbench.storage.frames import Tabular

    class Odd(Tabular):
        def records(self) -> Any:
            return [{"name": "<script>alert(1)</script>\x1b[31m", "value": None}]

    assert "<script>" not in Odd()._repr_html_()
    assert "\x1b" not in repr(Odd())
