"""Variables of the environment whose values are of no use."""

from __future__ import annotations

import os
from collections.abc import Iterator

NARROWEST, WIDEST = 40, 500
"""Columns between which what is printed can be read, and is printed in time."""


def steady_width() -> None:
    """Brings ``COLUMNS`` of this process to what libraries can print by."""
    given = os.environ.get("COLUMNS")
    if given is None:
        return
    try:
        width = min(max(int(given), NARROWEST), WIDEST)
    except ValueError:  # no number, or one of thousands of digits
        del os.environ["COLUMNS"]
    else:
        os.environ["COLUMNS"] = str(width)


def environment_notes() -> Iterator[str]:
    """A line for each variable about plugins whose value is of no account."""
    strict = os.environ.get("DISTBENCH_STRICT_PLUGINS", "")
    if strict not in ("", "0", "1"):
        yield f"DISTBENCH_STRICT_PLUGINS={strict!r} is of no account; give 1, or 0"
    wanted = {name.strip() for name in os.environ.get("DISTBENCH_PLUGINS", "").split(",")} - {""}
    if not wanted:
        return
    from distbench.plugins.discovery import entry_points

    if unknown := sorted(wanted - {entry.name for entry in entry_points()}):
        yield (
            f"DISTBENCH_PLUGINS names {', '.join(map(repr, unknown))}, and no such plugin is "
            "installed; `distbench plugins` lists those that are"
        )
