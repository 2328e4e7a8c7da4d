"""What the page shows of methods against each other."""

from __future__ import annotations

from typing import Any

from distbench.leaderboard.analysis.board import Board, Pairs
from distbench.leaderboard.page.columns import share
from distbench.leaderboard.page.detail import digits


def comparison_data(board: Board) -> dict[str, Any]:
    """Differences by task, what they are over, and every pair of ranked methods.

    ``seedsAt`` has the seeds that ``seedsOf`` has values of, and None where these are the board's
    on every task.
    """
    return {
        "behind": [line.behind for line in board.lines],
        "byTask": [[share(gap) for gap in line.by_task] or None for line in board.lines],
        "compared": [line.compared for line in board.lines],
        "seedsAt": [
            None
            if all(entry.seeds == board.seeds for entry in line.entries)
            else [list(entry.seeds) for entry in line.entries]
            for line in board.lines
        ],
        "pairs": _pairs(board.pairs),
    }


def _pairs(pairs: Pairs | None) -> dict[str, Any] | None:
    """For each ranked method its gaps to those below it, and their p values; the rest mirrors it.

    Ranked methods are the first lines of a board, in this order.
    """
    if pairs is None:
        return None
    count = len(pairs.methods)
    return {
        "count": count,
        "gap": [[share(pairs.gaps[a][b]) for b in range(a + 1, count)] for a in range(count)],
        "p": [[digits(pairs.p_holm[a][b], 3) for b in range(a + 1, count)] for a in range(count)],
    }
