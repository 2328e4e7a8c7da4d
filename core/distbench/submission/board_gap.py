"""What a submission lacks of the board that it goes to."""

from __future__ import annotations

from pathlib import Path

from distbench.errors import DistbenchError
from distbench.submission.bundle import SUFFIX, open_bundle


def board_gap(path: Path, board: Path) -> list[str]:
    """What other submissions of its suite have and this one has not, a sentence each.

    Args:
        path: The bundle.
        board: Folder of the submissions that stand; where there is none, nothing is lacking.
    """
    with open_bundle(path) as bundle:
        mine = bundle.manifest
    seeds: set[int] = set()
    tasks: dict[str, None] = {}
    for other in sorted(board.glob(f"*{SUFFIX}")):
        try:
            with open_bundle(other) as bundle:
                theirs = bundle.manifest
        except (DistbenchError, OSError):
            continue  # what is wrong with it is for `validate` to say
        same = (theirs.suite, theirs.suite_version) == (mine.suite, mine.suite_version)
        if same and other.resolve() != path.resolve():
            seeds |= set(theirs.seeds)
            tasks.update(dict.fromkeys(task.id for task in theirs.tasks))
    gaps = []
    if missing := [task for task in tasks if task not in {own.id for own in mine.tasks}]:
        gaps.append(
            f"the board of {mine.suite} has {', '.join(missing)} too; without "
            f"{'it' if len(missing) == 1 else 'them'} a method is partial and has no rank"
        )
    if lacking := sorted(seeds - set(mine.seeds)):
        gaps.append(
            f"the board of {mine.suite} has {len(seeds)} seeds, this has {len(mine.seeds)}; its "
            "methods are compared over those that both have. `distbench run` with the same options "
            f"and --seeds {lacking[-1] + 1} adds the rest"
        )
    return gaps
