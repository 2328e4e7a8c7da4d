"""``python -m benchmarks.side_by_side``: measures, and prints a Markdown table."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Sequence

PARTS = {"fixmatch": 7, "distilling": 7, "starting": 5, "boards": 3}
"""Modules of this package, and how many turns of each count."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the parts that are asked for.

    Raises:
        SystemExit: distbench is not installed for this interpreter.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--turns", type=int, help="how many count; the default depends on the part")
    given = parser.parse_args(arguments)
    if unknown := sorted({*given.parts} - {*PARTS}):
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if given.turns is not None and given.turns < 1:
        parser.error(f"--turns is {given.turns}; it is 1 or more")
    if importlib.util.find_spec("distbench") is None:
        sys.exit(f"distbench is not installed: {sys.executable} -m pip install --editable .")
    _measure(given.parts or [*PARTS], given.turns)


def _measure(parts: Sequence[str], turns: int | None) -> None:
    import torch
    from benchmarks.side_by_side.report import table

    torch.set_num_threads(1)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in parts:
            sys.stderr.write(f"{part} ...\n")
            module = importlib.import_module(f"benchmarks.side_by_side.{part}")
            rows += module.compared(turns or PARTS[part])
    sys.stdout.write(table(rows))


if __name__ == "__main__":
    main()
