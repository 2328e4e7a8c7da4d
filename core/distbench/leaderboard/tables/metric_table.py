"""Metrics as tables: how well each picks sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from distbench.leaderboard.analysis.metric_measures import MEASURED
from distbench.leaderboard.analysis.metric_quality import CHANCE, MetricLine
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.text_table import (
    EMPTY,
    Text,
    TextTable,
    csv_text,
    name_cell,
    note,
    number_cell,
    plural,
    short_names,
)

_COMPARED = {"tau": "tau", "regret_1": "regret 1"}
"""The measures whose differences are shown, with what they are called; files hold all."""


def metric_table(
    lines: Sequence[MetricLine],
    measure: str = "accuracy",
    tried: Literal["source", "team"] = "source",
) -> TextTable:
    """The metrics as a table: means with half-widths, differences, tau by task, and notes.

    Args:
        lines: The metrics.
        measure: By what they were judged, in words.
        tried: What was learnt from, of which the metrics should find the best.
    """
    tasks = list(dict.fromkeys(task for line in lines for task in line.by_task))
    chance = any(CHANCE in line.differences for line in lines)
    means = ["tau", "Pearson", "regret 1", "regret 3"]
    compared = [*(f"Δ {name}" for name in _COMPARED.values()), *[f"Δ tau, {CHANCE}"] * chance]
    heads = ["metric", *means, *compared, f"{tried}s", "tasks", *short_names(tasks)]
    many = len({line.distiller for line in lines}) > 1
    body = []
    for line in lines:
        reference = reference_of(line, lines)
        answered = len(line.by_task) - len(line.chance)
        body.append(
            (
                name_cell(f"{line.metric} ({line.distiller})" if many else line.metric),
                *(_estimate_cell(line.values.get(key), key) for key in MEASURED),
                *(_difference_cell(line, reference, key) for key in _COMPARED),
                *[_difference_cell(line, CHANCE, "tau")] * chance,
                Text(_sources(line)),
                Text(str(answered) if not line.chance else f"{answered} of {len(line.by_task)}"),
                *(_tau(line, task) for task in tasks),
            )
        )
    notes = _notes(lines, tasks, chance, measure, tried)
    return TextTable(note(*heads), tuple(body), notes, left=(0,))


def reference_of(line: MetricLine, lines: Sequence[MetricLine]) -> str:
    """The metric that the others of this one's distiller are compared with; empty if none is."""
    own = [other for other in lines if other.distiller == line.distiller]
    named = {name: None for other in own for name in other.differences}
    chosen = [name for name in named if name != CHANCE]
    return next(iter(chosen), CHANCE if named else "")


def _notes(
    lines: Sequence[MetricLine], tasks: Sequence[str], chance: bool, measure: str, tried: str
) -> tuple[tuple[Text, ...], ...]:
    notes = [
        note(
            f"How each metric's scores agree with the {measure} that learning from one {tried} "
            "alone led to. Means over tasks (each over its seeds; tasks that share data count "
            "once), ± half the 95 % t interval. tau: weighted Kendall, hyperbolic weights by rank, "
            f"mean of ranking by score and by {measure}; regret k: points of {measure} lost by the "
            f"best of the k {tried}s with the highest scores, against the best of all that were "
            "tried. What is not scored is not chosen. The columns of tasks: tau."
        )
    ]
    for distiller in dict.fromkeys(line.distiller for line in lines):
        own = [line for line in lines if line.distiller == distiller]
        if reference := reference_of(own[0], own):
            notes.append(
                note("Δ: paired difference to ", name_cell(reference))
                + note(", or to ", name_cell(CHANCE)) * chance
                + note(", ± over tasks; more regret is worse. Not corrected for their number.")
            )
        if own[0].values:
            notes.append(_noise_note(own[0], measure, tried))
        for task, why in own[0].left_out.items():
            notes.append(note("Not judged: ", name_cell(task), f": {why}."))
    silent: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        for task, why in line.chance.items():
            silent.setdefault((line.metric, why), []).append(task)
    for (metric, why), where in silent.items():
        names = ", ".join(where) if len(where) < len(tasks) else f"all {plural(len(where), 'task')}"
        notes.append(
            note("Says nothing, which counts as chance (a dash): ", name_cell(metric))
            + note(f" on {names}: {why}.")
        )
    return tuple(dict.fromkeys(notes))


def _noise_note(line: MetricLine, measure: str, tried: str) -> tuple[Text, ...]:
    if line.noise is None:
        return note(
            "One seed: how much of this is noise cannot be said. Regrets are against the best "
            f"{measure} seen, which is too high by chance."
        )
    tau = _estimate_cell(line.noise.tau, "tau").line
    regret = _estimate_cell(line.noise.regret, "regret_1").line
    return note(
        f"Noise: one seed's accuracies, as scores of those of the others, have a tau of {tau}; the "
        f"{tried} that is the best on the other seeds is {regret} points below the best seen. "
        f"Regrets here are against that {tried}, so a small one may be negative."
    )


def _sources(line: MetricLine) -> str:
    few, most = line.sources
    if not most:
        return EMPTY
    scored = f"{few}" if few == most else f"{few}-{most}"
    return scored if line.sources == line.tried else f"{scored} of {line.tried[1]}"


def _tau(line: MetricLine, task: str) -> Text:
    known = task in line.by_task and task not in line.chance
    return number_cell(line.by_task[task][0] + 0.0 if known else None, "{:.2f}")


def _difference_cell(line: MetricLine, other: str, key: str) -> Text:
    differences = line.differences.get(other)
    if differences is None:
        return Text(EMPTY)
    cell = _estimate_cell(differences[MEASURED.index(key)], key)
    return Text(cell.value if cell.value.startswith("-") else f"+{cell.value}", cell.spread)


def _estimate_cell(estimate: Estimate | None, key: str) -> Text:
    if estimate is None:
        return Text(EMPTY)
    scale, digits = (100, 1) if key.startswith("regret") else (1, 2)
    spread = "" if estimate.half is None else f"±{scale * estimate.half:.{digits}f}"
    return Text(f"{round(scale * estimate.mean, digits) + 0.0:.{digits}f}", spread)


def metric_csv(lines: Sequence[MetricLine]) -> str:
    """A row a metric and distiller: each measure with its interval, and what it is a mean of.

    Then its difference to the reference metric and to chance, with intervals, and the noise.
    """
    ends = ("", "_low", "_high")
    heads = [f"{key}{end}" for key in MEASURED for end in ends]
    heads += ["tasks", "silent_tasks", "fewest_sources", "most_sources", "tried_sources"]
    against = [f"{key}_minus_{x}" for x in ("reference", CHANCE) for key in MEASURED]
    more = [f"{name}{end}" for name in (*against, "seed_tau", "seed_regret") for end in ends]
    body: list[list[Any]] = []
    for line in lines:
        reference = reference_of(line, lines)
        numbers = _numbers([line.values.get(key) for key in MEASURED])
        compared: list[Estimate | None] = []
        for other in (reference, CHANCE):
            compared += line.differences.get(other, (None,) * len(MEASURED))
        noise = [line.noise.tau, line.noise.regret] if line.noise else [None, None]
        counts = (len(line.by_task), len(line.chance), *line.sources, line.tried[1])
        fields = [*numbers, *counts, reference, *_numbers([*compared, *noise])]
        body.append([line.metric, line.distiller, *fields])
    return csv_text([["metric", "distiller", *heads, "reference", *more], *body])


def _numbers(estimates: Sequence[Estimate | None]) -> list[str]:
    """Mean, lower and upper end of each; empty where there is none."""
    values = [v for e in estimates for v in ((e.mean, e.low, e.high) if e else (None,) * 3)]
    return ["" if v is None else repr(round(v, 6) + 0.0) for v in values]


def metrics_as_dicts(lines: Sequence[MetricLine]) -> list[dict[str, object]]:
    """The metrics as values that JSON can hold."""
    return [
        {
            "metric": line.metric,
            "distiller": line.distiller,
            "origins": list(line.origins),
            **{key: _interval(e) for key, e in line.values.items()},
            "tasks": {t: dict(zip(MEASURED, v, strict=True)) for t, v in line.by_task.items()},
            "sources": list(line.sources),
            "tried": list(line.tried),
            "chance": dict(line.chance),
            "left_out": dict(line.left_out),
            "differences": {
                other: {
                    key: {**_interval(d), "p": d.p} for key, d in zip(MEASURED, ds, strict=True)
                }
                for other, ds in line.differences.items()
            },
            "noise": line.noise
            and {"tau": _interval(line.noise.tau), "regret": _interval(line.noise.regret)},
        }
        for line in lines
    ]


def _interval(estimate: Estimate) -> dict[str, float | None]:
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}
