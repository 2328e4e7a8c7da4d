"""Which sources each method learnt from on each task, and how much from each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distbench.leaderboard import text_table as text
from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.records import Learnt, Record, as_records
from distbench.leaderboard.text_table import EMPTY, Text, TextTable, name, say, short_names
from distbench.storage.rows import Row

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


def effective_number(weights: ArrayLike) -> NDArray[np.float64]:
    """Effective number of sources ``(sum w)^2 / sum(w^2)`` along the last axis; 0 without any."""
    w = np.asarray(weights, dtype=np.float64)
    squares = np.sum(w**2, axis=-1)
    return np.asarray(np.sum(w, axis=-1) ** 2 / np.where(squares > 0, squares, 1))


def source_weights(
    rows: Iterable[Row | Record], *, methods: Sequence[str] = (), tasks: Sequence[str] = ()
) -> list[TaskWeights]:
    """Weights by method and task; methods without sources are left out.

    Args:
        rows: In any order; only done cells count.
        methods: The order to list methods in; others follow by name.
        tasks: The order to list tasks in; others follow by name.
    """
    groups: dict[tuple[str, str], list[tuple[int, Learnt]]] = defaultdict(list)
    for (method, task, seed), row in sorted(cells(as_records(rows)).items()):
        if row.result is not None and row.result.sources.used:
            groups[method, task].append((seed, row.result.sources))
    first = {m: i for i, m in enumerate(methods)}
    second = {t: i for i, t in enumerate(tasks)}
    order = sorted(
        groups,
        key=lambda k: (first.get(k[0], len(first)), k[0], second.get(k[1], len(second)), k[1]),
    )
    return [_average(method, task, groups[method, task]) for method, task in order]


def _average(method: str, task: str, group: Sequence[tuple[int, Learnt]]) -> TaskWeights:
    blocks = [block for _, block in group]
    names: Sequence[str] = blocks[0].names
    if all(block.names is names for block in blocks):
        weight = np.array([block.weight for block in blocks])
        score = np.array([block.score for block in blocks])
    else:
        names = sorted({source for b in blocks for source in b.names})
        place = {source: i for i, source in enumerate(names)}
        # Not eligible in a seed means that nothing was learnt from it there: weight 0.
        weight = np.zeros((len(blocks), len(names)))
        score = np.full_like(weight, np.nan)
        for i, block in enumerate(blocks):
            columns = [place[source] for source in block.names]
            weight[i, columns], score[i, columns] = block.weight, block.score
    means, known = weight.mean(axis=0), ~np.isnan(score)
    scored = np.where(known, score, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    shares = [
        SourceShare(source, w, s if scores_it else None)
        for source, w, s, scores_it in zip(
            names, means.tolist(), scored.tolist(), known.any(axis=0).tolist(), strict=True
        )
    ]
    return TaskWeights(
        method=method,
        task=task,
        seeds=tuple(seed for seed, _ in group),
        effective=float(np.mean(effective_number(weight))),
        shares=tuple(sorted(shares, key=lambda s: (-round(s.weight, 12), s.source))),
        excluded=_reasons([b.excluded for b in blocks]),
        marked=_reasons([b.marked for b in blocks]),
    )


def _reasons(seeds: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not any(seeds):
        return {}
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
    return json.dumps(plain(lines), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def plain(lines: Sequence[TaskWeights]) -> list[dict[str, Any]]:
    """The weights as values that JSON can hold."""
    return [{**vars(line), "shares": [vars(share) for share in line.shares]} for line in lines]
