"""What commands print: nothing of it steers the terminal, and secrets stay out of it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from distbench.storage.safe_text import harmless_text, plain_json, plain_line

if TYPE_CHECKING:
    from distbench.storage.rows import Row


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Prints a text for people, to stdout or stderr; see `harmless_text`."""
    typer.echo(harmless_text(str(text)), err=err, nl=nl)


def echo_traceback(of: BaseException | str | None) -> None:
    """Prints to stderr how it came to an error, where ``DISTBENCH_TRACEBACK=1`` asks for it."""
    if of is None or os.environ.get("DISTBENCH_TRACEBACK") != "1":
        return
    lines = of if isinstance(of, str) else "".join(traceback.format_exception(of))
    echo(lines.rstrip(), err=True)


def echo_failed(rows: Iterable[Row]) -> None:
    """Prints to stderr which cells failed and why, each reason once."""
    from distbench.storage.missing_cells import listed

    cells: dict[str | None, list[str]] = {}
    for row in rows:
        cells.setdefault(row.reason, []).append(
            f"{row.method.id} on {row.task.id}, seed {row.seed}"
        )
    for reason, some in cells.items():
        echo(f"failed: {listed(some)}: {reason}", err=True)


def echo_json(text: str, *, nl: bool = True) -> None:
    """Prints JSON to stdout, which means what it meant; see `plain_json`."""
    typer.echo(plain_json(text), nl=nl)


def table(rows: Iterable[Iterable[Any]], headers: Iterable[str], **more: Any) -> str:
    """Rows below their headers, each on one line; takes what `tabulate` takes besides."""
    from tabulate import tabulate

    lines = [[plain_line(v) if isinstance(v, str) else v for v in row] for row in rows]
    return tabulate(lines, list(headers), "simple", **more)
