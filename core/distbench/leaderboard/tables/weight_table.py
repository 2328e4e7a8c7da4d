"""Source weights as tables: which sources each method learnt from on each task."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from distbench.leaderboard.analysis.source_weights import SourceShare, TaskWeights
from distbench.leaderboard.tables.text_table import (
    EMPTY,
    Text,
    TextTable,
    name_cell,
    note,
    short_names,
)
from distbench.storage.safe_text import plain_json

TOP = 3


def weight_table(lines: Sequence[TaskWeights], *, top: int = TOP) -> TextTable:
    """Per method and task the `top` sources with weight (and score), and how many are behind."""
    tasks = list(dict.fromkeys(line.task for line in lines))
    short = dict(zip(tasks, short_names(tasks), strict=True))
    heads = ("method", "task", "effective", *(f"source {i + 1}" for i in range(top)), "others")
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    marks: dict[tuple[str, str], list[str]] = defaultdict(list)
    body, previous = [], ""
    for line in lines:
        used = [s for s in line.shares if s.weight > 0]
        shown = [_share_cell(s) for s in used[:top]]
        rest = used[top:]
        body.append(
            (
                Text("", kind="text") if line.method == previous else name_cell(line.method),
                name_cell(short[line.task]),
                Text(f"{line.effective:.1f}"),
                *shown,
                *[Text(EMPTY)] * (top - len(shown)),
                Text(f"{len(rest)}: {sum(s.weight for s in rest):.2f}" if rest else EMPTY),
            )
        )
        previous = line.method
        for tasks_of, given in ((reasons, line.excluded), (marks, line.marked)):
            for source, reason in given.items():
                if short[line.task] not in tasks_of[source, reason]:
                    tasks_of[source, reason].append(short[line.task])
    notes = [
        note(
            "Mean weight over seeds, in brackets the mean score; effective: effective number of "
            "sources, 1 / sum of squared weights; others: how many more, and their weight."
        )
    ]
    for title, tasks_of in (("Excluded: ", reasons), ("Kept although it saw the task: ", marks)):
        notes += [
            note(title, name_cell(source), f" on {_tasks_text(some, tasks)}: {reason}.")
            for (source, reason), some in sorted(tasks_of.items())
        ]
    return TextTable(note(*heads), tuple(body), tuple(notes), (0, 1, *range(3, 3 + top)))


def _tasks_text(some: Sequence[str], tasks: Sequence[str]) -> str:
    return "all tasks" if 1 < len(some) == len(tasks) else ", ".join(some)


def _share_cell(share: SourceShare) -> Text:
    score = "" if share.score is None else f" ({share.score:.3g})"
    return Text(f"{share.source} {share.weight:.2f}{score}")


def weights_json(lines: Sequence[TaskWeights]) -> str:
    """All sources with weights, scores and reasons."""
    text = json.dumps(weights_as_dicts(lines), indent=1, allow_nan=False, ensure_ascii=False)
    return plain_json(text) + "\n"


def weights_as_dicts(lines: Sequence[TaskWeights]) -> list[dict[str, Any]]:
    """The weights as values that JSON can hold."""
    return [{**vars(line), "shares": [vars(share) for share in line.shares]} for line in lines]
