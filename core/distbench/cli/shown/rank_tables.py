"""Several metrics' rankings of the sources as tables that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from distbench.cli.shown.output import table

if TYPE_CHECKING:
    from distbench.engine.ranking import Ranking
    from distbench.workflows.rank import ZooComparison

WIDTH = 100
_NAME, _DATA = 40, 24
"""Characters of a source and of what it was trained on that are shown; ``--json`` has all."""


class _Column(NamedTuple):
    head: str
    cells: Sequence[str]
    align: str = "right"


def comparison_text(comparison: ZooComparison) -> str:
    """The place of each source under each metric, and how far the metrics agree."""
    return f"{_places(comparison)}\n\n{_agreement(comparison)}"


def _places(comparison: ZooComparison) -> str:
    sources, means = comparison.sources, comparison.mean_places
    infos = {r.source.name: r.source for ranking in comparison.rankings for r in ranking.sources}
    columns = [
        _Column("mean", [f"{means[name]:.1f}" if name in means else "-" for name in sources]),
        _Column(
            "trained on",
            [_short(", ".join(infos[name].trained_on) or "?", _DATA) for name in sources],
            "left",
        ),
    ]
    for ranking in comparison.rankings:
        places = ranking.places
        label = ranking.metric.replace("_", "\n").replace(":", "\n")
        head = label if ranking.metric in comparison.counted else f"({label})"
        cells = [f"{places[name]:g}" if name in places else "-" for name in sources]
        columns.append(_Column(head, cells))
    lead = [_Column("source", [_short(name, _NAME) for name in sources], "left")]
    title = f"Place of each source under each metric; {_what_counts(comparison)}"
    return f"{textwrap.fill(title, WIDTH)}\n\n{_blocks(lead, columns)}"


def _what_counts(comparison: ZooComparison) -> str:
    """What the mean is over, and which metrics are not in it."""
    counted = comparison.counted
    if not counted:
        return "no metric counts, so there is no mean:"
    others = [
        f"{ranking.metric} ({_why_not(comparison, ranking)})"
        for ranking in comparison.rankings
        if ranking.metric not in counted
    ]
    text = f"mean over {len(counted)} metric{'s' * (len(counted) > 1)}"
    return f"{text}, without {', '.join(others)}:" if others else f"{text}:"


def _why_not(comparison: ZooComparison, ranking: Ranking) -> str:
    """Why a metric does not count."""
    if ranking.metric in comparison.controls:
        return "control"
    if not ranking.sources:
        return "no answer"
    if len(set(ranking.scores.values())) == 1:
        return "all scores are equal"
    return f"{len(ranking.sources)} sources, the others {len(comparison.mean_places)}"


def _agreement(comparison: ZooComparison) -> str:
    tau = comparison.agreement()
    metrics = comparison.metrics
    counted = [metric in comparison.counted for metric in metrics]
    means = []
    for number, own in enumerate(tau):
        others = [t for i, t in enumerate(own) if counted[i] and i != number and t == t]
        means.append(f"{sum(others) / len(others):.2f}" if others else "-")
    numbers = [str(number) for number in range(1, len(metrics) + 1)]
    lead = [_Column("", numbers), _Column("metric", [_short(m, _NAME) for m in metrics], "left")]
    columns = [
        _Column(number, ["-" if t != t else f"{t:.2f}" for t in column])
        for number, column in zip(numbers, tau.T, strict=True)
    ]
    columns.insert(0, _Column("mean", means))
    return "Agreement of metrics, Kendall's tau (mean: with the others that count):\n\n" + _blocks(
        lead, columns
    )


def _blocks(lead: Sequence[_Column], columns: Sequence[_Column]) -> str:
    """One table below another, each with the leading columns and as many more as fit."""
    blocks: list[str] = []
    begin = 0
    for end in range(1, len(columns) + 1):
        text = _table([*lead, *columns[begin:end]])
        if begin + 1 < end and max(map(len, text.splitlines())) > WIDTH:
            begin = end - 1
            text = _table([*lead, *columns[begin:end]])
            blocks.append(text)
        elif blocks:
            blocks[-1] = text
        else:
            blocks.append(text)
    return "\n\n".join(blocks)


def _table(columns: Sequence[_Column]) -> str:
    rows = zip(*(column.cells for column in columns), strict=True)
    align = [column.align for column in columns]
    return table(rows, [column.head for column in columns], colalign=align, disable_numparse=True)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
