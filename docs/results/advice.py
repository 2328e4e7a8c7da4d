"""How far what `distbench advise` chooses is from the best choice in hindsight: docs/advise.md.

python docs/results/advice.py RUNS_OR_BUNDLES...
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.statistics import (
    accuracy_interval,
    mean_interval,
    over_groups,
    paired_t,
)
from distbench.storage.predictions import answered_rightly
from distbench.workflows.advise.candidates import Candidate, kind_of
from distbench.workflows.advise.rule import EXPERIENCE, SLACK, choose
from distbench.workflows.inputs.result_inputs import bundle_input, run_input

FOUR = ("pseudo_labels/weighted", "pseudo_labels/nearest", "pseudo_labels/equal", "finetune")
"""Weighted, nearest, equal, none."""
QUICK = ("label_propagation/weighted", "pseudo_labels/weighted", "finetune")
"""What is run where nobody says otherwise."""
SETS = {
    "nearest, weighted, equal or none": FOUR,
    "these and label_propagation": EXPERIENCE,
    "what a run without a suite tries": QUICK,
}
SLACKS = (0.0, 0.25, 0.5, 1.0, 2.0)
SIZES = (20, 50, 100)
"""Validation images that are drawn from the test images, which are then judged without them."""
_DRAWS = 20
BEST = "best on validation"


@dataclass(frozen=True)
class Reached:
    """What a method reached on a task with a seed: on validation and test images."""

    validation: float
    images: int
    test: float
    hits: NDArray[np.bool_] | None


Cells = Mapping[tuple[str, int], Mapping[str, Reached]]
Rule = Callable[[Sequence[Candidate]], str]


def read(paths: Sequence[Path]) -> tuple[dict[tuple[str, int], dict[str, Reached]], dict[str, str]]:
    """Cells by task, seed and kind of method, and the groups of tasks; LogME rather than PARC."""
    cells: dict[tuple[str, int], dict[str, Reached]] = defaultdict(dict)
    groups: dict[str, str] = {}
    for path in paths:
        one = run_input(path) if path.is_dir() else bundle_input(path)
        groups |= one.origin.groups
        for answers in one.rows:
            row = answers.row
            metric = row.method.components.get("metric", {}).get("name")
            if row.result is None or row.result.validation_accuracy is None or not _plain(row):
                continue
            kind = kind_of(row.method.components)
            held = cells[row.task.id, row.seed]
            if kind in held and metric != "logme":
                continue
            hits = None
            if answers.predictions is not None and answers.labels is not None:
                hits = answered_rightly(answers.predictions, answers.labels)
            result = row.result
            held[kind] = Reached(
                result.validation_accuracy, result.parts.validation, result.accuracy, hits
            )
    return cells, groups


def _plain(row: Any) -> bool:
    """Whether its strategy is as declared: of `weighted` one of several is enough."""
    return "normalise" not in row.method.id


def candidate(kind: str, right: NDArray[np.bool_]) -> Candidate:
    return Candidate(
        kind, kind, "ranked", 1, accuracy_interval(right[None]), None, None, None, None
    )


def rules(kinds: Sequence[str]) -> dict[str, Rule]:
    """The rule with several slacks, and what knows nothing of the task."""

    def by(slack: float) -> Rule:
        def chosen(candidates: Sequence[Candidate]) -> str:
            choice = choose(candidates, slack)
            assert choice is not None
            return choice.advised.kind

        return chosen

    named: dict[str, Rule] = {
        BEST if not slack else f"the rule, slack {slack:g}": by(slack) for slack in SLACKS
    }
    return named | {f"always {kind}": (lambda _, kind=kind: kind) for kind in kinds}


def trials(cells: Cells, kinds: Sequence[str], size: int | None) -> Iterator[Any]:
    """Task, candidates, and what each would reach: with the run's own validation images if None."""
    for (task, seed), held in cells.items():
        if not all(kind in held for kind in kinds):
            continue
        own = {kind: held[kind] for kind in kinds}
        if size is None:
            some = [
                candidate(k, np.arange(r.images) < round(r.validation * r.images))
                for k, r in own.items()
            ]
            yield task, some, {kind: reached.test for kind, reached in own.items()}
            continue
        if any(reached.hits is None for reached in own.values()):
            continue
        rng = np.random.default_rng([seed, size, sum(map(ord, task))])
        hits = {kind: reached.hits for kind, reached in own.items()}
        for _ in range(_DRAWS):
            order = rng.permutation(len(next(iter(hits.values()))))
            yield (
                task,
                [candidate(kind, right[order[:size]]) for kind, right in hits.items()],
                {kind: float(right[order[size:]].mean()) for kind, right in hits.items()},
            )


@dataclass(frozen=True)
class Regret:
    """What a rule loses: by group of tasks, and on the worst task."""

    by_group: NDArray[np.float64]
    worst: float

    def __str__(self) -> str:
        whole = mean_interval(self.by_group)
        return shown(whole.mean, whole.half)

    def against(self, other: Regret) -> str:
        """How much less it loses than another rule, paired by group."""
        found = paired_t(other.by_group - self.by_group)
        p = "" if found.p is None else f" (p {found.p:.2f})"
        return shown(found.mean, found.half, "+") + p


def shown(mean: float, half: float | None, sign: str = "") -> str:
    """In points."""
    return f"{100 * mean:{sign}.2f}" + ("" if half is None else f" ± {100 * half:.2f}")


def regrets(
    cells: Cells, kinds: Sequence[str], groups: Mapping[str, str], size: int | None
) -> tuple[int, dict[str, Regret]]:
    """How many tasks, and what each rule loses on them."""
    lost: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for task, candidates, reached in trials(cells, kinds, size):
        best = max(reached.values())
        for name, rule in rules(kinds).items():
            lost[name][task].append(best - reached[rule(candidates)])
    table = {}
    for name, by_task in lost.items():
        means = {task: float(np.mean(own)) for task, own in by_task.items()}
        grouped = over_groups(list(means.values()), [groups.get(t, t) for t in means])
        table[name] = Regret(grouped, max(means.values()))
    return len(next(iter(lost.values()), {})), table


def main(paths: Sequence[Path]) -> None:
    cells, groups = read(paths)
    for title, wanted in SETS.items():
        kinds = tuple(k for k in wanted if any(k in held for held in cells.values()))
        columns: dict[str, dict[str, Regret]] = {}
        tasks = 0
        for size in (None, *SIZES):
            count, table = regrets(cells, kinds, groups, size)
            tasks = max(tasks, count)
            if count:
                columns["own" if size is None else str(size)] = table
        if not columns:
            continue
        print(f"\n{title} ({tasks} tasks): {', '.join(kinds)}\n")
        heads = [f"regret, {head} validation images" for head in columns]
        tail = ["worst task, own", "less than best on validation, own"]
        print(f"| choice | {' | '.join((*heads, *tail))} |")
        print("| --- " * (len(heads) + 3) + "|")
        own = columns["own"]
        for name, regret in own.items():
            cells_shown = [str(table[name]) for table in columns.values()]
            mark = " (as advised)" if name == f"the rule, slack {SLACK:g}" else ""
            ahead = "" if name == BEST else regret.against(own[BEST])
            line = (name + mark, *cells_shown, f"{100 * regret.worst:.2f}", ahead)
            print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
