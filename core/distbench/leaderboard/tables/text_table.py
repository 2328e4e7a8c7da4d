"""A table of text cells with notes, in each of the formats that people read."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tabulate import tabulate

from distbench.storage.safe_text import csv_cell, plain_line


def short_names(names: Sequence[str]) -> list[str]:
    """Names without the prefix that all share, up to a ``-``: ``mini-cub`` becomes ``cub``."""
    heads = {name.partition("-")[0] for name in names}
    tails = [name.partition("-")[2] for name in names]
    return tails if len(names) > 1 and len(heads) == 1 and all(tails) else list(names)


Kind = Literal["text", "name", "number", "best"]
WIDTH = 150
EMPTY = "-"

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


@dataclass(frozen=True)
class Text:
    """One cell of a table, or one part of a note.

    Attributes:
        value: What it says.
        spread: What qualifies the value, such as the half-width ``±1.2`` of its interval.
        kind: A name is shown literally; the best is emphasised where a format can.
    """

    value: str
    spread: str = ""
    kind: Kind = "number"

    @property
    def line(self) -> str:
        """The cell on one line; spaces at the ends stay, as a note is made of several parts."""
        return plain_line(f"{self.value} {self.spread}" if self.spread else self.value)


@dataclass(frozen=True)
class TextTable:
    """Header and body of a table, and the notes under it; columns in `left` are left-aligned."""

    header: tuple[Text, ...]
    body: tuple[tuple[Text, ...], ...]
    notes: tuple[tuple[Text, ...], ...] = ()
    left: tuple[int, ...] = (0, 1)


def note(*parts: str | Text) -> tuple[Text, ...]:
    """A note of plain text and of cells."""
    return tuple(Text(p, kind="text") if isinstance(p, str) else p for p in parts)


def plural(count: int, one: str) -> str:
    """A count with what is counted: 1 task, 2 tasks."""
    return f"{count} {one if count == 1 else one + 's'}"


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds by their numbers: seed 0, seeds 1, 2."""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"


def name_cell(value: str) -> Text:
    """A cell that holds the name of something."""
    return Text(value, kind="name")


def number_cell(value: float | None, template: str) -> Text:
    """A number in a format such as ``{:.1f}``; a dash where there is none."""
    return Text(EMPTY if value is None else template.format(value))


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV that is safe to open (`csv_cell`), with the line ends of Unix."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)
    return out.getvalue()


def _stacked(cell: Text) -> str:
    """A cell on two lines: the spread below the value, a long name broken after its first ``/``."""
    if cell.kind == "name":
        head, slash, tail = cell.line.partition("/")
        return f"{head}/\n  {tail}" if slash else cell.line
    if cell.spread:
        return f"{plain_line(cell.value)}\n{plain_line(cell.spread)}"
    return cell.line


def _align(table: TextTable) -> list[str]:
    return ["left" if i in table.left else "right" for i in range(len(table.header))]


def _columns(table: TextTable, cell: Callable[[Text], str]) -> str:
    rows = [[cell(c) for c in row] for row in (table.header, *table.body)]
    columns = zip(*rows, strict=True)
    widths = [max(len(line) for c in column for line in c.split("\n")) for column in columns]
    # The header is a row like the others, as tabulate would pad headers by two more columns.
    rows.insert(1, ["-" * width for width in widths])
    return tabulate(rows, tablefmt="plain", colalign=_align(table), disable_numparse=True)


def terminal_text(table: TextTable, *, width: int = WIDTH) -> str:
    """Plain text; where one line a row is wider than `width`, intervals go below the numbers."""
    grid = _columns(table, lambda cell: cell.line)
    if max(map(len, grid.splitlines())) > width:
        grid = _columns(table, _stacked)
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    notes = (wrapper.fill("".join(part.line for part in line)) for line in table.notes)
    return "\n".join([grid, *([""] if table.notes else []), *notes]) + "\n"


def _markdown(cell: Text) -> str:
    text = cell.line
    if cell.kind == "name":
        # A code span may hold anything but its own fence.
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence, pad = "`" * (longest + 1), " " if longest else ""
        text = f"{fence}{pad}{text}{pad}{fence}"
    else:
        text = re.sub(r"([\\`*_<>\[\]])", r"\\\1", text)
    return f"**{text}**" if cell.kind == "best" else text


def markdown_text(table: TextTable) -> str:
    """A pipe table with the best in bold, then the notes as a list."""
    # In a table a bare pipe ends the cell, even inside a code span.
    rows = [[_markdown(c).replace("|", r"\|") for c in row] for row in (table.header, *table.body)]
    grid = tabulate(
        rows, headers="firstrow", tablefmt="pipe", colalign=_align(table), disable_numparse=True
    )
    notes = ("- " + "".join(map(_markdown, line)) for line in table.notes)
    return "\n".join([grid, *([""] if table.notes else []), *notes]) + "\n"


def _latex(cell: Text) -> str:
    text = "".join(_LATEX.get(c, c) for c in cell.line)
    if cell.kind == "name":
        # Long method names need places to break.
        text = text.replace("/", r"/\allowbreak{}")
        return rf"\texttt{{{text}}}"
    if cell.kind == "text":
        return text
    if text == EMPTY:
        return "--"
    text = re.sub(r"^-(?=\d)", "$-$", text)  # a minus sign, not a hyphen
    return rf"\textbf{{{text}}}" if cell.kind == "best" else text


def latex_text(table: TextTable) -> str:
    r"""A table for ``\input`` with the best in bold, then the notes; needs the package booktabs."""
    columns = "".join(side[0] for side in _align(table))
    rows = [" & ".join(map(_latex, row)) + r" \\" for row in table.body]
    notes = ["".join(map(_latex, line)) + r"\par" for line in table.notes]
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_latex, table.header)) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        *([r"{\par\smallskip\footnotesize", *notes, "}"] if notes else []),
    ]
    return "\n".join(lines) + "\n"
