"""Why torch makes nothing of a network."""

from __future__ import annotations


def innermost(error: BaseException) -> str:
    """What an error goes back to, in one line: torch wraps it in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
