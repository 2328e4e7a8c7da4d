"""Which sources each method learnt from on each task, and how much from each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from distbench.leaderboard import text
from distbench.leaderboard.entries import cells
from distbench.leaderboard.table import short_names
from distbench.leaderboard.text import EMPTY, Text, TextTable, name, say
from distbench.results import Row, SourcesBlock

TOP = 3


@dataclass(frozen=True)
class SourceShare:
    """One source; `weight` and `score` are means over seeds, `score` None where it has none."""

    source: str
    weight: float
    score: float | None


@dataclass(frozen=True)
class TaskWeights:
    """The sources of one method on one task, averaged over its done seeds.

    Attributes:
        effective: Effective number of sources: the mean over seeds of ``1 / sum(w^2)``; 1 when all
            weight is on one source, s when s sources share it equally. (Of averaged weights it
            would be larger, as if one student had learnt from the sources of all seeds.)
        shares: By falling weight, then by name; all sources that were eligible in some seed.
        excluded: Source to reason; several reasons are joined by ``; ``.
        marked: Kept although they saw the task.
    """

    method: str
    task: str
    seeds: tuple[int, ...]
    effective: float
    shares: tuple[SourceShare, ...]
    excluded: dict[str, str]
    marked: dict[str, str]


def effective_number(weights: Iterable[float]) -> float:
    """Effective number of sources ``(sum w)^2 / sum(w^2)``; 0 where all weights are 0."""
    w = np.fromiter(weights, dtype=np.float64)
    squares = float(np.sum(w**2))
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0


def source_weights(
    rows: Iterable[Row], *, methods: Sequence[str] = (), tasks: Sequence[str] = ()
) -> list[TaskWeights]:
    """Weights by method and task; methods without sources are left out.

    Args:
        rows: In any order; only done cells count.
        methods: The order to list methods in; others follow by name.
        tasks: The order to list tasks in; others follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[int, SourcesBlock]]] = defaultdict(list)
    for (method, task, seed), row in sorted(cells(rows).items()):
        if row.status == "done" and row.result is not None and row.result.sources.weights:
            groups[method, task].append((seed, row.result.sources))
    first = {m: i for i, m in enumerate(methods)}
    second = {t: i for i, t in enumerate(tasks)}
    order = sorted(
        groups,
        key=lambda k: (first.get(k[0], len(first)), k[0], second.get(k[1], len(second)), k[1]),
    )
    return [_average(method, task, groups[method, task]) for method, task in order]


def _average(method: str, task: str, group: Sequence[tuple[int, SourcesBlock]]) -> TaskWeights:
    blocks = [block for _, block in group]
    names = sorted({source for b in blocks for source in (*b.eligible, *b.weights)})
    shares = []
    for source in names:
        # Not eligible in a seed means that nothing was learnt from it there: weight 0.
        weight = float(np.mean([b.weights.get(source, 0.0) for b in blocks]))
        scores = [b.scores[source] for b in blocks if source in b.scores]
        shares.append(SourceShare(source, weight, float(np.mean(scores)) if scores else None))
    return TaskWeights(
        method=method,
        task=task,
        seeds=tuple(seed for seed, _ in group),
        effective=float(np.mean([effective_number(b.weights.values()) for b in blocks])),
        shares=tuple(sorted(shares, key=lambda s: (-round(s.weight, 12), s.source))),
        excluded=_reasons([b.excluded for b in blocks]),
        marked=_reasons([b.marked for b in blocks]),
    )


def _reasons(seeds: Sequence[dict[str, str]]) -> dict[str, str]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for reasons in seeds:
        for source, reason in reasons.items():
            found[source][reason] += 1

    def said(reason: str, count: int) -> str:
        return reason if count == len(seeds) else f"{reason} ({count} of {len(seeds)} seeds)"

    return {s: "; ".join(said(*r) for r in sorted(found[s].items())) for s in sorted(found)}


def table(lines: Sequence[TaskWeights], *, top: int = TOP) -> TextTable:
    """Per method and task the `top` sources with weight (and score), and how many are behind."""
    tasks = list(dict.fromkeys(line.task for line in lines))
    short = dict(zip(tasks, short_names(tasks), strict=True))
    heads = ("method", "task", "effective", *(f"source {i + 1}" for i in range(top)), "others")
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    marks: dict[tuple[str, str], list[str]] = defaultdict(list)
    body, previous = [], ""
    for line in lines:
        used = [s for s in line.shares if s.weight > 0]
        shown = [_share(s) for s in used[:top]]
        rest = used[top:]
        body.append(
            (
                Text("", kind="text") if line.method == previous else name(line.method),
                name(short[line.task]),
                Text(f"{line.effective:.1f}"),
                *shown,
                *[Text(EMPTY)] * (top - len(shown)),
                Text(f"{len(rest)}: {sum(s.weight for s in rest):.2f}" if rest else EMPTY),
            )
        )
        previous = line.method
        for found, given in ((reasons, line.excluded), (marks, line.marked)):
            for source, reason in given.items():
                if short[line.task] not in found[source, reason]:
                    found[source, reason].append(short[line.task])
    notes = [
        say(
            "Mean weight over seeds, in brackets the mean score; effective: effective number of "
            "sources, 1 / sum of squared weights; others: how many more, and their weight."
        )
    ]
    for title, found in (("Excluded: ", reasons), ("Kept although it saw the task: ", marks)):
        notes += [
            say(title, name(source), f" on {_where(where, tasks)}: {reason}.")
            for (source, reason), where in sorted(found.items())
        ]
    left = (0, 1, *range(3, 3 + top))
    return TextTable(tuple(Text(h, kind="text") for h in heads), tuple(body), tuple(notes), left)


def _where(some: Sequence[str], tasks: Sequence[str]) -> str:
    return "all tasks" if 1 < len(some) == len(tasks) else ", ".join(some)


def _share(share: SourceShare) -> Text:
    score = "" if share.score is None else f" ({share.score:.3g})"
    return Text(f"{share.source} {share.weight:.2f}{score}")


def terminal(lines: Sequence[TaskWeights], *, top: int = TOP, width: int = text.WIDTH) -> str:
    """The weights as plain text."""
    return text.terminal(table(lines, top=top), width=width)


def markdown(lines: Sequence[TaskWeights], *, top: int = TOP) -> str:
    """The weights as a Markdown table."""
    return text.markdown(table(lines, top=top))


def json_text(lines: Sequence[TaskWeights]) -> str:
    """All sources with weights, scores and reasons."""
    plain = [asdict(line) for line in lines]
    return json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
