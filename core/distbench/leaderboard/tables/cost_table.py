"""What methods cost, as tables; one list of columns is behind text, CSV and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from distbench.leaderboard.analysis.costs import MethodCost
from distbench.leaderboard.tables.text_table import (
    Text,
    TextTable,
    csv_text,
    name_cell,
    note,
    number_cell,
)


@dataclass(frozen=True)
class CostColumn:
    """A field of `MethodCost`, in the order of the CSV.

    Attributes:
        key: The field, and its name in the CSV.
        title: Its head in text tables, on two lines; what has none is in the CSV alone.
        form: A number in text tables: a size such as 12.3 M, or a format such as ``{:.1f}``.
        page_title: Its head on the page.
        page_form: A number on the page.
    """

    key: str
    title: tuple[str, str] | None = None
    form: str = "size"
    page_title: str = ""
    page_form: Literal["size", "number"] = "size"


COST_COLUMNS = (
    CostColumn("method"),
    CostColumn("machine"),
    CostColumn("cells", ("cells", ""), "{}", "cells", "number"),
    CostColumn("parameters", ("student", "weights"), page_title="student parameters"),
    CostColumn("student_macs", ("student", "MACs"), page_title="student MACs, one image"),
    CostColumn("latency_ms", ("latency", "ms"), "{:.3g}", "latency, ms", "number"),
    CostColumn("teacher_macs", ("teacher", "MACs"), page_title="teacher MACs, one image"),
    CostColumn("images_per_step", ("images", "/step"), "{:.4g}", "images a step"),
    CostColumn("steps", ("steps", ""), "{:.10g}", "steps"),
    CostColumn("training_macs", ("student", "training"), page_title="student training MACs"),
    CostColumn("teacher_pass_macs", ("teacher", "passes"), page_title="teacher passes MACs"),
    CostColumn(
        "teacher_training_macs", ("teacher", "training"), page_title="teacher training MACs"
    ),
    CostColumn("total_training_macs", ("MACs", "in all"), page_title="training MACs in all"),
    CostColumn("selection_macs", ("selec-", "tion"), page_title="selection MACs, shared"),
    CostColumn("train_seconds", ("training", "s"), "{:.1f}", "student training, s", "number"),
    CostColumn("data_seconds"),
    CostColumn("teacher_pass_seconds"),
    CostColumn("teacher_training_seconds"),
    CostColumn("total_training_seconds", ("s", "in all"), "{:.1f}", "training in all, s", "number"),
    CostColumn("total_seconds", ("cell", "s"), "{:.1f}", "cell, s", "number"),
    CostColumn("peak_memory_mb", ("peak", "MB"), "{:.0f}", "peak memory, MB", "number"),
)

SHOWN = tuple(column for column in COST_COLUMNS if column.title is not None)
"""The numbers that people see; the CSV has all."""


def cost_csv(lines: Sequence[MethodCost]) -> str:
    """`COST_COLUMNS` as CSV, a row a method and machine; what is not known is empty."""
    keys = [column.key for column in COST_COLUMNS]
    values = ([getattr(line, key) for key in keys] for line in lines)
    body = ([f"{v:.10g}" if isinstance(v, float) else v for v in row] for row in values)
    return csv_text([keys, *body])


def _cell(value: float | None, form: str) -> Text:
    """A number in a format, or a size with its unit: 12.3 M."""
    if form != "size":
        return number_cell(value, form)
    for unit, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value is not None and value >= factor:
            return Text(f"{value / factor:.3g} {unit}")
    return number_cell(value, "{:.3g}")


def cost_table(lines: Sequence[MethodCost]) -> TextTable:
    """The costs as a table; machines are numbered and named below it."""
    machines = list(dict.fromkeys(line.machine for line in lines))
    many = len(machines) > 1
    body = tuple(
        (
            *([number_cell(machines.index(line.machine) + 1, "{}")] if many else []),
            name_cell(line.method),
            *(_cell(getattr(line, column.key), column.form) for column in SHOWN),
        )
        for line in lines
    )
    titles = [*([("machine", "")] if many else []), ("method", "")]
    titles += [column.title for column in SHOWN if column.title]
    notes = [
        "Means over the done cells, memory: the maximum. Student and teacher MACs: one image.",
        (
            "Training in MACs: the student, the passes of its sources over what is distilled on, "
            "their teaching, all three in all. Selection, the passes of scored sources over the "
            "probe, is shared by all methods that score, and apart."
        ),
        (
            "Seconds: the training loop; with passes and teaching in all; the cell, which finds "
            "passes made but judges the student."
        ),
    ]
    if many:
        notes.append("Seconds and memory of different machines cannot be compared.")
    notes += [f"Machine{f' {i}' if many else ''}: {m}." for i, m in enumerate(machines, start=1)]
    header = tuple(Text(*title, kind="text") for title in titles)
    return TextTable(header, body, tuple(map(note, notes)), left=(1,) if many else (0,))


def costs_as_dicts(lines: Sequence[MethodCost]) -> list[dict[str, Any]]:
    """The costs as values that JSON can hold."""
    return [dict(vars(line)) for line in lines]
