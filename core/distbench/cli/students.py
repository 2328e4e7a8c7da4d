"""Architectures that are suggested as students, for `distbench list students`."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, cast

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.interfaces.student import Student
    from distbench.plugins.registry import Registry


def show_suggested(names: Registry, pattern: str, more: bool) -> None:
    """Prints what is suggested, below the students that there are."""
    rows = suggested(names, pattern)
    if rows:
        echo(
            "\n" * more + "Worth a try, without their classifier and at 224 pixels (--measure "
            "measures them here):\n"
        )
        echo(_table(rows))
    elif not more:
        echo("nothing matches")


def show(
    names: Registry,
    pattern: str,
    sort: str | None,
    measure: bool,
    conditions: tuple[int, str, int],
    json: bool,
) -> None:
    """Prints what is suggested in some order, perhaps measured on the device at hand.

    Args:
        names: All components.
        pattern: Of names as one types them; without a wildcard also any other student.
        sort: Column; the order of the suggestions if None.
        measure: Whether to measure.
        conditions: Image size, device and threads of the measurement.
        json: Whether to print JSON.
    """
    rows = suggested(names, pattern)
    if not rows and not any(sign in pattern for sign in "*?["):
        rows = [{"name": names.make("student", pattern).label}]
    if measure:
        rows = _measured(rows, conditions)
    if sort:
        column = {"latency": "latency_ms", "memory": "memory_mb"}.get(sort, sort)
        rows.sort(key=lambda row: (column not in row, row.get(column)))
    if json:
        o.print_json(rows)
        return
    if not rows:
        echo("nothing matches")
        return
    echo(_table(rows))
    if measure:
        size, device, threads = conditions
        echo(f"\n{_where(device, threads)}; one image of {size} x {size} at a time, float32.")


def suggested(names: Registry, pattern: str) -> list[dict[str, Any]]:
    """What the student components of all plugins suggest."""
    from distbench.errors import PluginError

    rows = []
    for name in names.names("student"):
        try:
            offers = _offers(names, name)
        except PluginError as error:
            echo(f"warning: {error}", err=True)
            continue
        for one in offers:
            row = {"name": f"{name}:{one['value']}", **one}
            del row["value"]
            if fnmatch(row["name"], pattern) or fnmatch(name, pattern):
                rows.append(row)
    return rows


def _offers(names: Registry, name: str) -> list[Mapping[str, Any]]:
    """What one student component suggests.

    Raises:
        PluginError: It raises, or gives something else.
    """
    from pydantic import ValidationError

    from distbench.errors import PluginError
    from distbench.interfaces.calls import naming
    from distbench.interfaces.student import Suggested
    from distbench.storage.validation import faults_of

    with naming(name, "suggestions"):
        offers = [*cast("type[Student]", names.load("student", name)).suggestions()]
        try:
            for one in offers:
                Suggested.model_validate(one)
        except ValidationError as error:
            raise PluginError(name, f"suggestions: {faults_of(error, Suggested)}") from None
    return offers


def _measured(rows: list[dict[str, Any]], conditions: tuple[int, str, int]) -> list[dict[str, Any]]:
    """The rows with what was measured, or with the problem."""
    from dataclasses import asdict

    from distbench.engine.device import pick_device
    from distbench.engine.student_costs import measure

    size, device, threads = conditions
    pick_device(device)
    results = []
    students = [{"use": row["name"]} for row in rows]
    answers = measure(students, image_size=size, device=device, threads=threads)
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True), 1):
        echo(f"{number}/{len(rows)} {row['name']}", err=True)
        measured = {"problem": answer} if isinstance(answer, str) else asdict(answer)
        bare = {"name": row["name"]} | ({"note": row["note"]} if "note" in row else {})
        results.append(bare | measured)
    return results


def _table(rows: list[dict[str, Any]]) -> str:
    def number(row: dict[str, Any], key: str, unit: float, form: str) -> str:
        return format(row[key] / unit, form) if row.get(key) is not None else "-"

    timed = any("latency_ms" in row for row in rows)
    shown = []
    for row in rows:
        line = [row["name"], number(row, "parameters", 1e6, ".2f"), number(row, "macs", 1e6, ".0f")]
        if timed:
            line += [number(row, "latency_ms", 1, ".1f"), number(row, "memory_mb", 1, ".0f")]
        shown.append([*line, row.get("problem") or row.get("note", "")])
    headers = ["student", "M parameters", "M MACs", *(("ms", "MB") if timed else ()), ""]
    alignment = ["left", *["right"] * (4 if timed else 2), "left"]
    return table(shown, headers, colalign=alignment, disable_numparse=True)


def _where(device: str, threads: int) -> str:
    """The device that was measured on, in words."""
    import platform

    from distbench.engine.device import environment, pick_device

    where = pick_device(device)
    name = environment(where, "fp32", threads)["device_name"]
    if where.type == "cpu":
        count = f"{threads} thread" + "s" * (threads > 1)
        return f"Measured on the CPU ({name or platform.machine()}), {count}"
    return f"Measured on {where.type} ({name})"
