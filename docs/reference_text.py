"""The text of reference pages: docstrings as Markdown, tables, and what is not documented."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from tabulate import tabulate

undocumented: list[str] = []
"""What was met without a description."""

HEAD = "<!-- Written by docs/reference.py from the code: change it there. -->\n\n"
_SECTION = re.compile(r"(Args|Returns|Yields|Raises|Attributes):")


def markdown(docstring: str | None) -> str:
    """A Google docstring as Markdown: sections as lists, literal blocks fenced."""
    text = inspect.cleandoc(docstring or "").replace("``", "`")
    lines, found = text.splitlines(), []
    while lines:
        line = lines.pop(0)
        if _SECTION.fullmatch(line):
            found += [f"**{line.removesuffix(':')}**", "", *_entries(_block(lines)), ""]
        elif line.endswith("::"):
            block = textwrap.dedent("\n".join(_block(lines))).strip("\n")
            found += [line[:-1], "", "```text", block, "```", ""]
        else:
            found.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(found)).strip()


def _block(lines: list[str]) -> list[str]:
    """Takes the indented lines, with the blank ones among them, from the front."""
    block: list[str] = []
    while lines and (lines[0].startswith(" ") or not lines[0]):
        block.append(lines.pop(0))
    return block


def _entries(block: list[str]) -> Iterator[str]:
    for line in textwrap.dedent("\n".join(block)).strip("\n").splitlines():
        if line and not line.startswith(" "):
            name, colon, rest = line.partition(": ")
            plain = colon and re.fullmatch(r"[\w., *]+", name)
            yield f"- `{name}`: {rest}" if plain else f"- {line}"
        elif line:
            yield "  " + line.strip()


def table(rows: list[list[Any]], headers: list[str]) -> str:
    """A table in Markdown; a column that says nothing is left out."""
    columns = range(len(headers))
    kept = [i for i in columns if not i or any(row[i] not in ("", None) for row in rows)]
    cells = [[str(row[i]).replace("|", "\\|").replace("\n", " ") for i in kept] for row in rows]
    return tabulate(cells, [headers[i] for i in kept], "github", disable_numparse=True)
