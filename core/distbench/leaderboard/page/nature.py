"""What the page says of the nature of things: methods, the images of a suite, files."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.page.about import About
from distbench.leaderboard.rows.origins import RowOrigin


def component_table(about: About) -> dict[str, list[Any]]:
    """By ``KIND NAME``: version, description, reference, distribution, homepage and licence."""
    return {f"{kind} {name}": list(astuple(f)) for (kind, name), f in about.components.items()}


def origin_day(origin: RowOrigin, about: About) -> list[tuple[str, str]]:
    """The day of a file where it is known, as one more thing that is said of it."""
    day = about.dates.get(origin.path)
    return [] if day is None else [("date", day)]


def remake_of(report: BoardReport, method: str, about: About) -> list[Any] | None:
    """The commands that make a method again, and why there are none; None: nobody looked."""
    remake = about.remakes.get((report.label, method))
    return None if remake is None else [list(remake.commands), remake.reason]


def image_notes(report: BoardReport, about: About) -> list[str]:
    """What stands under the title, so that no number is taken for one on other images.

    What the suite is, what the tasks say of their images where all say the same, or else which
    say it, and how large the student sees them.
    """
    board = report.board
    suite = about.suites.get((board.suite, board.suite_version))
    saying: dict[str, dict[str, None]] = {}
    for row in report.rows:
        for text in row.task.notes:
            saying.setdefault(text, {})[row.task.id] = None
    notes = [] if suite is None else [suite]
    for text, tasks in saying.items():
        whole = len(tasks) == len(board.tasks)
        notes.append(text if whole else f"{', '.join(tasks)}: {text}")
    size = report.setting.protocol.get("image_size")
    if size is not None:
        notes.append(f"The student sees images of {size} x {size} pixels.")
    return notes
